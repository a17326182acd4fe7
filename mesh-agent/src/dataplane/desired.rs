use super::numbers::Numbers;
use super::workload::Workload;
use crate::model::ServiceName;
use mesh_common::{ANY, Action, Pair, ServiceNumber, decide};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What the kernel's maps say, or should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// What holds where no rule does.
    pub default: Action,
    /// Which service the processes of a cgroup are, by the cgroup's id.
    pub workloads: BTreeMap<u64, ServiceNumber>,
    /// Port 0 stands for every port of the address.
    pub destinations: BTreeMap<SocketAddr, Target>,
    pub rules: BTreeMap<Pair, Action>,
    /// The servers that take nothing but what comes through the mesh, and whose they are.
    pub strict: BTreeMap<StrictAt, ServiceNumber>,
}

/// The listening sockets of a cgroup, by its id, at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StrictAt {
    pub cgroup: u64,
    pub port: u16,
}

/// Where an address of the mesh leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub service: ServiceNumber,
    /// The address exists inside the mesh only.
    pub is_virtual: bool,
    /// The server's own socket, where it is on this host.
    pub server: Option<SocketAddr>,
    /// Where no agent is there to bring them, clients may go by themselves.
    pub open: bool,
    /// Where they go then that asked for an address of the mesh's own: a server on another host. There is one only
    /// where there is none on this host.
    pub fallback: Option<SocketAddr>,
    /// The server is strict: who comes through the mesh is let in.
    pub strict: bool,
    /// Messages to the server may go past TCP.
    pub fast: bool,
    /// It is the own address of a strict server, which leads nowhere: others than the service are refused.
    pub own: bool,
}

/// What the maps are computed from.
#[derive(Clone, Debug)]
pub struct World<'w> {
    pub workloads: &'w [Workload],
    pub services: &'w [MeshService],
    pub rules: &'w [Rule],
    pub default: Action,
    pub guarded: &'w [Guarded],
}

/// A strict service of this host, and where its app listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarded {
    pub service: ServiceName,
    pub app: SocketAddr,
}

/// A service that accepts connections through the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshService {
    pub name: ServiceName,
    pub virtual_ip: Ipv4Addr,
    /// Where the app of a healthy instance on this host listens.
    pub server: Option<SocketAddr>,
    /// Those that can be reached through the mesh, on any host.
    pub instances: Vec<Instance>,
    pub strict: bool,
    pub fast: bool,
    /// It would rather be reached without TLS than not at all, where no agent is there.
    pub open: bool,
    /// A healthy instance on another host.
    pub elsewhere: Option<SocketAddr>,
}

/// An instance of a service of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Where the catalog says that it is. Loopback addresses mean something else on every host, and a service
    /// may talk to itself there, so they are no destinations.
    pub address: SocketAddr,
    /// Where its app listens, if it is on this host.
    pub server: Option<SocketAddr>,
}

/// An intention; `None` is the wildcard. There is one for each pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub source: Option<ServiceName>,
    pub destination: Option<ServiceName>,
    pub action: Action,
}

/// Whether a registration may claim the address. Virtual ones are each service's own already.
fn is_destination(address: &SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let is_virtual = matches!(ip, IpAddr::V4(v4) if v4 >= VIRTUAL);
    address.port() != 0 && !ip.is_loopback() && !ip.is_unspecified() && !is_virtual
}

/// Virtual addresses are from here on, and nothing else is.
const VIRTUAL: Ipv4Addr = Ipv4Addr::new(240, 0, 0, 0);

impl Default for Desired {
    /// Maps that nobody has written.
    fn default() -> Self {
        Self {
            default: Action::Deny,
            workloads: BTreeMap::new(),
            destinations: BTreeMap::new(),
            rules: BTreeMap::new(),
            strict: BTreeMap::new(),
        }
    }
}

impl Desired {
    /// Rules about services that are nowhere yet are left out: nobody has their number.
    pub fn of(world: &World<'_>, numbers: &mut Numbers) -> Self {
        let mut desired = Self { default: world.default, ..Self::default() };
        for service in world.services {
            desired.take_service(service, numbers.of_mesh(&service.name, service.virtual_ip));
        }
        for workload in world.workloads {
            let number = numbers.of_local(&workload.service);
            desired.workloads.extend(workload.cgroups.iter().map(|cgroup| (cgroup.id, number)));
        }
        for guarded in world.guarded {
            desired.guard(guarded, world.workloads, numbers.of_local(&guarded.service));
        }
        let number = |target: &Option<ServiceName>| match target {
            None => Some(ANY),
            Some(name) => numbers.known(name),
        };
        desired.rules = world
            .rules
            .iter()
            .filter_map(|rule| {
                let pair = Pair { source: number(&rule.source)?, destination: number(&rule.destination)? };
                Some((pair, rule.action))
            })
            .collect();
        desired
    }

    /// Whether a connect between them is let through: what the programs decide.
    pub fn allows(&self, pair: Pair) -> bool {
        let rule = |source, destination| self.rules.get(&Pair { source, destination }).copied();
        decide(pair.source, pair.destination, self.default, rule) == Action::Allow
    }

    /// An address that is the mesh's already leads where it led.
    fn guard(&mut self, guarded: &Guarded, workloads: &[Workload], service: ServiceNumber) {
        let own = Target { service, strict: true, own: true, ..Target::default() };
        self.destinations.entry(guarded.app).or_insert(own);
        let is_it = |workload: &&Workload| workload.service.folded() == guarded.service.folded();
        let cgroups = workloads.iter().filter(is_it).flat_map(|workload| &workload.cgroups);
        let port = guarded.app.port();
        self.strict.extend(cgroups.map(|cgroup| (StrictAt { cgroup: cgroup.id, port }, service)));
    }

    /// An address that two services have in the catalog is the first one's.
    fn take_service(&mut self, service: &MeshService, number: ServiceNumber) {
        let virtual_ip = SocketAddr::new(service.virtual_ip.into(), 0);
        let target = Target {
            service: number,
            server: service.server,
            strict: service.strict,
            fast: service.fast,
            open: service.open,
            ..Target::default()
        };
        let may_go =
            |address: &SocketAddr| service.open && service.server.is_none() && is_destination(address);
        let fallback = service.elsewhere.filter(may_go);
        self.destinations.insert(virtual_ip, Target { is_virtual: true, fallback, ..target });
        for Instance { address, server } in &service.instances {
            if is_destination(address) {
                let target = Target { server: *server, ..target };
                self.destinations.entry(*address).or_insert(target);
            }
        }
    }
}
