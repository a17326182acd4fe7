use super::{Cgroup, CgroupPath, Claim, HostView, Instance, Process, Selector, SelectorError};
use crate::model::ServiceName;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A service and its cgroups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    pub service: ServiceName,
    pub cgroups: Vec<Cgroup>,
    /// The weakest that was needed.
    pub by: Evidence,
}

/// Why a cgroup is taken for a service's, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// The registration names it.
    Selector,
    /// `mesh run` made it.
    Run,
    /// Its process listens on the service's port.
    Listening,
}

impl Evidence {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Selector => "selector",
            Self::Run => "mesh run",
            Self::Listening => "listening socket",
        }
    }
}

/// A service without a cgroup of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbound {
    pub service: ServiceName,
    pub reason: NoWorkload,
}

/// Why a service has no cgroup, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWorkload {
    #[error("it has no port and no selector; start its processes with mesh run")]
    Silent,
    #[error("nothing listens on {app}")]
    NothingListens { app: SocketAddr },
    #[error(
        "the process that listens on {app} cannot be found; it is in another container, or the agent may not look at it"
    )]
    NoHolder { app: SocketAddr },
    #[error("{selector} selects no cgroup of this host")]
    NothingSelected { selector: Selector },
    #[error(
        "cgroup {cgroup} cannot tell it from others: {why}; use mesh run, or give it a unit or container of its own"
    )]
    Shared { cgroup: CgroupPath, why: &'static str },
    #[error("its listeners are in several cgroups, {first} and {second}: ambiguous, give it a selector")]
    Scattered { first: CgroupPath, second: CgroupPath },
    #[error("ambiguous: cgroup {cgroup} is that of {other} too; give each a selector of its own")]
    Ambiguous { cgroup: CgroupPath, other: ServiceName },
    #[error(transparent)]
    Selector(#[from] SelectorError),
}

/// Who is who on this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identities {
    /// By name. No cgroup is in two of them.
    pub bound: Vec<Workload>,
    pub unbound: Vec<Unbound>,
}

/// Decides from what there is. A cgroup that two services claim on equal evidence is neither's; stronger
/// evidence outranks weaker.
pub fn resolve(instances: &[Instance], host: &HostView) -> Identities {
    let mut services = BTreeMap::new();
    let (mut claims, mut failed) = (Vec::new(), BTreeMap::new());
    for Instance { service, claim } in instances {
        services.entry(service.folded()).or_insert(service);
        claims.extend(started_by_run(service, host));
        match claimed(service, claim, host) {
            Ok(found) => claims.extend(found),
            Err(reason) => drop(failed.entry(service.folded()).or_insert(reason)),
        }
    }
    let mut identities = Identities::default();
    for (key, service) in services {
        match workload(service, &claims) {
            Ok(workload) => identities.bound.push(workload),
            Err(contested) => {
                let reason = contested.or_else(|| failed.remove(&key)).unwrap_or(NoWorkload::Silent);
                identities.unbound.push(Unbound { service: service.clone(), reason });
            }
        }
    }
    identities
}

/// One service's claim to one cgroup.
struct Claimed {
    service: ServiceName,
    cgroup: Cgroup,
    by: Evidence,
}

impl Claimed {
    /// Another service that has as good a claim to this cgroup.
    fn rival<'c>(&self, claims: &'c [Self]) -> Option<&'c ServiceName> {
        let rivals = |other: &&Self| {
            other.cgroup.id == self.cgroup.id
                && other.by <= self.by
                && other.service.folded() != self.service.folded()
        };
        claims.iter().find(rivals).map(|other| &other.service)
    }
}

/// The cgroups that are the service's alone; else why there is none, where that is for a rival.
fn workload(service: &ServiceName, claims: &[Claimed]) -> Result<Workload, Option<NoWorkload>> {
    let (mut cgroups, mut contested) = (BTreeMap::new(), None);
    for claim in claims.iter().filter(|claim| claim.service.folded() == service.folded()) {
        match claim.rival(claims) {
            None => {
                let by = cgroups.entry(claim.cgroup.clone()).or_insert(claim.by);
                *by = claim.by.min(*by);
            }
            Some(other) => {
                let (cgroup, other) = (claim.cgroup.path.clone(), other.clone());
                contested = Some(NoWorkload::Ambiguous { cgroup, other });
            }
        }
    }
    let by = cgroups.values().max().copied().ok_or(contested)?;
    Ok(Workload { service: service.clone(), cgroups: cgroups.into_keys().collect(), by })
}

/// What `mesh run` made for the service.
fn started_by_run(service: &ServiceName, host: &HostView) -> Vec<Claimed> {
    let own =
        |path: &CgroupPath| path.run_for().is_some_and(|made_for| made_for.folded() == service.folded());
    let tops: Vec<_> = host.cgroups.keys().filter(|path| own(path)).collect();
    tops.into_iter().flat_map(|top| within(service, top, Evidence::Run, host)).collect()
}

fn claimed(service: &ServiceName, claim: &Claim, host: &HostView) -> Result<Vec<Claimed>, NoWorkload> {
    match claim {
        Claim::Selected(selector) => selected(service, selector, host),
        Claim::Listens(app) => listening(service, *app, host),
        Claim::Silent => Err(NoWorkload::Silent),
        Claim::Invalid(error) => Err(error.clone().into()),
    }
}

fn selected(service: &ServiceName, selector: &Selector, host: &HostView) -> Result<Vec<Claimed>, NoWorkload> {
    let tops: Vec<_> = host.cgroups.keys().filter(|path| selects(selector, path, host)).collect();
    if tops.is_empty() {
        return Err(NoWorkload::NothingSelected { selector: selector.clone() });
    }
    Ok(tops.into_iter().flat_map(|top| within(service, top, Evidence::Selector, host)).collect())
}

fn selects(selector: &Selector, path: &CgroupPath, host: &HostView) -> bool {
    match selector {
        Selector::Cgroup(wanted) => path == wanted,
        Selector::Unit(name) => path.name() == name,
        Selector::Container(id) => path.container().is_some_and(|full| full.starts_with(id.as_str())),
        Selector::Uid(uid) => of_one_user(*uid, path, host),
    }
}

/// Somebody is there, and nobody else.
fn of_one_user(uid: u32, path: &CgroupPath, host: &HostView) -> bool {
    let mut users = host.processes.iter().filter(|p| p.cgroup == *path).map(|p| p.uid).peekable();
    users.peek().is_some() && users.all(|user| user == uid)
}

/// A cgroup and all below it: units and containers may divide theirs further.
fn within(service: &ServiceName, top: &CgroupPath, by: Evidence, host: &HostView) -> Vec<Claimed> {
    let cgroups = host.cgroups.iter().filter(|(path, _)| path.is_within(top));
    let claim = |(path, id): (&CgroupPath, &u64)| Claimed {
        service: service.clone(),
        cgroup: Cgroup { id: *id, path: path.clone() },
        by,
    };
    cgroups.map(claim).collect()
}

/// The cgroup of whoever listens where the service's app should.
fn listening(service: &ServiceName, app: SocketAddr, host: &HostView) -> Result<Vec<Claimed>, NoWorkload> {
    let sockets: Vec<u64> = host.listeners.iter().filter(|l| l.takes(app)).map(|l| l.inode).collect();
    if sockets.is_empty() {
        return Err(NoWorkload::NothingListens { app });
    }
    // The first process holds the sockets that it opens for services, and serves none.
    let holds = |p: &&Process| p.pid != 1 && p.listens.iter().any(|inode| sockets.contains(inode));
    let mut holders = host.processes.iter().filter(holds).map(|p| &p.cgroup);
    let first = holders.next().ok_or(NoWorkload::NoHolder { app })?;
    if let Some(second) = holders.find(|other| *other != first) {
        return Err(NoWorkload::Scattered { first: first.clone(), second: second.clone() });
    }
    let id = *host.cgroups.get(first).ok_or_else(|| shared(first, host))?;
    match first.shared() {
        Some(_) => Err(shared(first, host)),
        None if host.own.as_ref() == Some(first) => Err(shared(first, host)),
        None => {
            let cgroup = Cgroup { id, path: first.clone() };
            Ok(vec![Claimed { service: service.clone(), cgroup, by: Evidence::Listening }])
        }
    }
}

fn shared(cgroup: &CgroupPath, host: &HostView) -> NoWorkload {
    let agents = (host.own.as_ref() == Some(cgroup)).then_some("the agent itself is in it");
    let why = cgroup.shared().or(agents).unwrap_or("it is not in the hierarchy that the agent sees");
    NoWorkload::Shared { cgroup: cgroup.clone(), why }
}
