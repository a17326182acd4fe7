//! Plans, on a kernel made up of maps.

use super::workload::{Cgroup, CgroupPath, Evidence, Workload};
use super::*;
use crate::model::ServiceName;
use Action::{Allow, Deny};
use mesh_common::{ANY, Action, Pair, decide};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

/// Maps that fail after some steps, and what they went through.
#[derive(Clone, Default)]
struct FakeKernel {
    maps: Arc<Mutex<Desired>>,
    states: Arc<Mutex<Vec<Desired>>>,
    patience: Arc<Mutex<Option<usize>>>,
    open: Arc<Mutex<Vec<Pair>>>,
}

impl DataPlane for FakeKernel {
    fn mode(&self) -> Mode {
        Mode::Ebpf
    }

    fn contents(&self) -> Result<Desired, DataPlaneError> {
        Ok(self.maps.lock().unwrap().clone())
    }

    fn apply(&mut self, step: &Step) -> Result<(), DataPlaneError> {
        if let Some(left) = &mut *self.patience.lock().unwrap() {
            *left = left
                .checked_sub(1)
                .ok_or(DataPlaneError { attempt: "changed", reason: "the map is full".to_owned() })?;
        }
        let mut maps = self.maps.lock().unwrap();
        maps.take(step);
        self.states.lock().unwrap().push(maps.clone());
        Ok(())
    }

    fn cut(&mut self, forbidden: &dyn Fn(Pair) -> bool, _: &[Arc<dyn Cuts>]) -> Result<u64, DataPlaneError> {
        let mut open = self.open.lock().unwrap();
        let before = open.len();
        open.retain(|pair| !forbidden(*pair));
        Ok((before - open.len()) as u64)
    }
}

/// What a connect by a process of the cgroup to the address leads to, as the programs do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Around the mesh, as without it.
    Untouched,
    Forbidden,
    /// Let through as somebody, to somebody.
    Steered,
}

fn connect(maps: &Desired, cgroup: u64, address: SocketAddr) -> Outcome {
    let (Some(source), Some(target)) = (maps.workloads.get(&cgroup), maps.destinations.get(&address)) else {
        return Outcome::Untouched;
    };
    let rule = |source, destination| maps.rules.get(&Pair { source, destination }).copied();
    match decide(*source, target.service, maps.default, rule) {
        Allow => Outcome::Steered,
        Deny => Outcome::Forbidden,
    }
}

const CGROUPS: std::ops::Range<u64> = 1..4;
const SERVICES: std::ops::Range<u32> = 0..4;

fn address(n: u32) -> SocketAddr {
    SocketAddr::from(([240, 0, 0, u8::try_from(n).unwrap()], 0))
}

fn random(random: &mut SmallRng) -> Desired {
    let mut desired = Desired::default();
    if random.random() {
        desired.default = Allow;
    }
    for cgroup in CGROUPS.filter(|_| random.random_bool(0.7)).collect::<Vec<_>>() {
        desired.workloads.insert(cgroup, random.random_range(1..SERVICES.end));
    }
    for n in SERVICES.skip(1) {
        let service = if random.random_bool(0.8) { n } else { random.random_range(1..SERVICES.end) };
        if random.random_bool(0.8) {
            desired
                .destinations
                .insert(address(n), Target { service, is_virtual: true, ..Target::default() });
        }
    }
    for (source, destination) in SERVICES.flat_map(|s| SERVICES.map(move |d| (s, d))) {
        if random.random_bool(0.4) {
            let action = if random.random() { Allow } else { Deny };
            desired.rules.insert(Pair { source, destination }, action);
        }
    }
    desired
}

#[test]
fn no_step_of_any_plan_lets_through_whom_neither_state_lets_through() {
    let seed = 1107;
    let mut rng = SmallRng::seed_from_u64(seed);
    for round in 0..4_000 {
        let (old, new) = (random(&mut rng), random(&mut rng));
        let kernel = FakeKernel::default();
        *kernel.maps.lock().unwrap() = old.clone();
        Steering::new(Box::new(kernel.clone())).bring_to(&new).unwrap();
        assert_eq!(*kernel.maps.lock().unwrap(), new, "seed {seed}, round {round}");
        for state in kernel.states.lock().unwrap().iter() {
            for (cgroup, n) in CGROUPS.flat_map(|c| SERVICES.skip(1).map(move |n| (c, n))) {
                let [before, during, after] =
                    [&old, state, &new].map(|maps| connect(maps, cgroup, address(n)));
                let legal = during != Outcome::Steered || before == during || after == during;
                assert!(legal, "seed {seed}, round {round}: {cgroup} to {n}\n{old:#?}\n{state:#?}\n{new:#?}");
            }
        }
    }
}

#[test]
fn a_revoked_allow_is_gone_before_anything_else_is_touched() {
    let pair = Pair { source: 1, destination: 2 };
    let target = Target { service: 2, is_virtual: true, ..Target::default() };
    let old = Desired { rules: [(pair, Allow)].into(), ..Desired::default() };
    let rules = [(pair, Deny), (Pair { source: 3, destination: 2 }, Allow)].into();
    let new =
        Desired { rules, destinations: [(address(2), target)].into(), workloads: [(9, 1)].into(), ..old };
    let shadow = Desired { rules: [(pair, Allow)].into(), ..Desired::default() };
    let expected = [
        Step::PutRule(pair, Deny),
        Step::PutDestination(address(2), target),
        Step::PutWorkload(9, 1),
        Step::PutRule(Pair { source: 3, destination: 2 }, Allow),
    ];
    assert_eq!(plan(&new, &shadow), expected);
    assert_eq!(plan(&new, &new), []);
}

#[test]
fn a_plan_that_fails_half_way_is_made_anew_from_what_the_maps_say() {
    let (old, mut rng) = (Desired::default(), SmallRng::seed_from_u64(3));
    let new = random(&mut rng);
    let steps = plan(&new, &old).len();
    assert!(steps > 5, "{new:?}");
    for fail_at in 0..steps {
        let kernel = FakeKernel::default();
        let mut steering = Steering::new(Box::new(kernel.clone()));
        *kernel.patience.lock().unwrap() = Some(fail_at);
        let error = steering.bring_to(&new).unwrap_err().to_string();
        assert!(error.contains("the map is full"), "{error}");
        *kernel.patience.lock().unwrap() = None;
        assert_eq!(steering.bring_to(&new).unwrap(), steps - fail_at);
        assert_eq!(*kernel.maps.lock().unwrap(), new);
        assert_eq!(steering.bring_to(&new).unwrap(), 0);
    }
}

#[test]
fn open_connections_that_a_change_forbids_are_cut_and_others_are_not() {
    let (kept, cut) = (Pair { source: 1, destination: 2 }, Pair { source: 3, destination: 2 });
    let kernel = FakeKernel::default();
    kernel.open.lock().unwrap().extend([kept, cut, kept]);
    let (mut steering, numbers) = (Steering::new(Box::new(kernel.clone())), Numbers::default());
    let mut desired = Desired { default: Allow, ..Desired::default() };
    let mut turn = |desired: &Desired| {
        steering.bring_to(desired).unwrap();
        steering.cut(desired, &numbers, &[]).unwrap()
    };
    assert_eq!(turn(&desired), 0);
    desired.rules.insert(cut, Deny);
    assert_eq!(turn(&desired), 1);
    kernel.open.lock().unwrap().push(cut); // It was on its way when the intention changed.
    assert_eq!((turn(&desired), turn(&desired)), (1, 0));
    assert_eq!(*kernel.open.lock().unwrap(), [kept, kept]);
}

#[test]
fn what_outlived_an_agent_is_looked_through_by_the_next() {
    let kernel = FakeKernel::default();
    let forbidden = Pair { source: 1, destination: 2 };
    kernel.open.lock().unwrap().push(forbidden);
    let desired = Desired { rules: [(forbidden, Deny)].into(), ..Desired::default() };
    *kernel.maps.lock().unwrap() = desired.clone();
    let mut steering = Steering::new(Box::new(kernel));
    assert_eq!(steering.bring_to(&desired).unwrap(), 0, "nothing has changed");
    assert_eq!(steering.cut(&desired, &Numbers::default(), &[]).unwrap(), 1);
}

#[test]
fn userspace_has_nothing_to_steer_and_says_why() {
    let mut steering = Steering::new(Box::new(UserspaceDataPlane::new("not root")));
    steering.bring_to(&random(&mut SmallRng::seed_from_u64(1))).unwrap();
    assert_eq!(steering.mode(), Mode::Userspace { reason: "not root".to_owned() });
    assert_eq!(steering.plane().contents().unwrap(), Desired::default());
}

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

fn rule(source: &str, destination: &str, action: Action) -> Rule {
    let target = |text: &str| (text != "*").then(|| name(text));
    Rule { source: target(source), destination: target(destination), action }
}

fn mesh(service: &str, n: u8, server: Option<SocketAddr>, instances: Vec<Instance>) -> MeshService {
    let virtual_ip = Ipv4Addr::new(240, 0, 0, n);
    let elsewhere = Some(SocketAddr::from(([10, 0, 0, 7], 80)));
    let (strict, fast, open) = (false, false, n == 3);
    MeshService { name: name(service), virtual_ip, server, instances, strict, fast, open, elsewhere }
}

#[test]
fn the_maps_say_what_workloads_catalog_and_intentions_say() {
    let cgroup = |id| Cgroup { path: CgroupPath::parse(&format!("/c{id}")).unwrap(), id };
    let workload = |service: &str, ids: &[u64]| Workload {
        service: name(service),
        cgroups: ids.iter().map(|id| cgroup(*id)).collect(),
        by: Evidence::Run,
    };
    let (real, shared): (SocketAddr, SocketAddr) =
        ("10.0.0.2:80".parse().unwrap(), "10.0.0.9:80".parse().unwrap());
    let app = SocketAddr::from(([127, 0, 0, 1], 8080));
    let other = SocketAddr::from(([127, 0, 0, 1], 8081));
    let remote: SocketAddr = "[fd00::2]:80".parse().unwrap();
    let at = |server, address| Instance { address, server };
    let world = World {
        workloads: &[workload("WEB", &[5]), workload("client", &[6, 7])],
        services: &[
            mesh(
                "web",
                1,
                Some(app),
                vec![at(Some(app), real), at(Some(other), shared), at(Some(other), app)],
            ),
            mesh("db", 2, Some(app), vec![at(Some(app), shared)]),
            mesh("far", 3, None, vec![at(None, remote), at(None, "240.0.0.1:80".parse().unwrap())]),
        ],
        rules: &[
            rule("client", "web", Allow),
            rule("*", "DB", Deny),
            rule("client", "*", Allow),
            rule("nobody", "web", Deny),
        ],
        default: Allow,
        guarded: &[],
    };
    let client = Numbers::default().of_local(&name("client"));
    let (web, db, far) = (0xf000_0001, 0xf000_0002, 0xf000_0003);
    let to = |service, is_virtual, server| Target { service, is_virtual, server, ..Target::default() };
    let to_far = Target { open: true, ..to(far, false, None) };
    let fallback = Some(SocketAddr::from(([10, 0, 0, 7], 80)));
    let expected = Desired {
        default: Allow,
        workloads: [(5, web), (6, client), (7, client)].into(),
        destinations: [
            (address(1), to(web, true, Some(app))),
            (address(2), to(db, true, Some(app))),
            (address(3), Target { is_virtual: true, fallback, ..to_far }),
            (real, to(web, false, Some(app))),
            (shared, to(web, false, Some(other))),
            (remote, to_far),
        ]
        .into(),
        rules: [((client, web), Allow), ((ANY, db), Deny), ((client, ANY), Allow)]
            .map(|((source, destination), action)| (Pair { source, destination }, action))
            .into(),
        strict: [].into(),
    };
    assert_eq!(Desired::of(&world, &mut Numbers::default()), expected);
}

#[test]
fn a_strict_service_is_guarded_where_its_processes_are_and_its_own_address_leads_nowhere() {
    let app: SocketAddr = "127.0.0.1:8084".parse().unwrap();
    let cgroup = Cgroup { path: CgroupPath::parse("/vault").unwrap(), id: 5 };
    let world = World {
        workloads: &[Workload { service: name("vault"), cgroups: vec![cgroup], by: Evidence::Run }],
        services: &[MeshService {
            name: name("vault"),
            virtual_ip: Ipv4Addr::new(240, 0, 0, 1),
            server: Some(app),
            instances: vec![Instance { address: app, server: Some(app) }],
            strict: true,
            fast: false,
            open: false,
            elsewhere: None,
        }],
        rules: &[],
        default: Allow,
        guarded: &[Guarded { service: name("VAULT"), app }],
    };
    let desired = Desired::of(&world, &mut Numbers::default());
    let vault = 0xf000_0001;
    assert_eq!(desired.strict, [(StrictAt { cgroup: 5, port: 8084 }, vault)].into());
    let (own, by_mesh) = (desired.destinations[&app], desired.destinations[&address(1)]);
    assert!(own.own && own.strict && own.server.is_none());
    assert!(!by_mesh.own && by_mesh.strict && by_mesh.server == Some(app));
    let steps = plan(&desired, &Desired::default());
    let at = |wanted: fn(&Step) -> bool| steps.iter().position(wanted).unwrap();
    let guarded = at(|step| matches!(step, Step::PutStrict(..)));
    assert!(
        at(|step| matches!(step, Step::PutDestination(..))) < guarded,
        "who is sent there is let in first"
    );
    assert!(
        plan(&Desired::default(), &desired).contains(&Step::RemoveStrict(StrictAt { cgroup: 5, port: 8084 }))
    );
}
