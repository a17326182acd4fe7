//! Who is bound to what, and why not.

use super::super::{
    CgroupPath, Evidence, HostView, Identities, Instance, Listener, META_KEY, Process, Wanted, resolve,
};
use crate::model::{Meta, ServiceName};
use std::net::SocketAddr;

const WEB: &str = "/system.slice/web.service";
const API: &str = "/system.slice/api.service";
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn app(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn path(text: &str) -> CgroupPath {
    CgroupPath::parse(text).unwrap()
}

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

/// A service with a port, which says nothing of its processes.
fn listens(service: &str, port: u16) -> Instance {
    Instance::new(name(service), &Meta::new(), Some(app(port)))
}

fn selects(service: &str, selector: &str) -> Instance {
    let meta = Meta::from([(META_KEY.to_owned(), selector.to_owned())]);
    Instance::new(name(service), &meta, Some(app(1)))
}

/// A host on which each process listens on one port, which is its socket's inode too.
fn host(processes: &[(u32, u32, &str, u16)]) -> HostView {
    let process = |(pid, uid, cgroup, port): &(u32, u32, &str, u16)| Process {
        pid: *pid,
        uid: *uid,
        cgroup: path(cgroup),
        listens: vec![u64::from(*port)],
    };
    let listener =
        |(.., port): &(u32, u32, &str, u16)| Listener { address: app(*port), inode: u64::from(*port) };
    let cgroups = ["/system.slice", WEB, API].into_iter().chain(processes.iter().map(|p| p.2));
    HostView {
        listeners: processes.iter().map(listener).collect(),
        cgroups: cgroups.map(|text| (path(text), id(text))).collect(),
        processes: processes.iter().map(process).collect(),
        own: Some(path("/system.slice/mesh.service")),
    }
}

fn id(cgroup: &str) -> u64 {
    cgroup.bytes().fold(7, |id, byte| id * 31 % 1_000_003 + u64::from(byte))
}

/// `web: /a /b (mesh run)` for what is bound, `web: reason` for what is not.
fn told(identities: &Identities) -> Vec<String> {
    let bound = identities.bound.iter().map(|workload| {
        let paths: Vec<_> = workload.cgroups.iter().map(|cgroup| cgroup.path.as_str()).collect();
        format!("{}: {} ({})", workload.service, paths.join(" "), workload.by.as_str())
    });
    bound.chain(identities.unbound.iter().map(|u| format!("{}: {}", u.service, u.reason))).collect()
}

#[track_caller]
fn assert_told(instances: &[Instance], host: &HostView, expected: &[&str]) {
    let told = told(&resolve(instances, host));
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (line, words) in told.iter().zip(expected) {
        assert!(
            line.starts_with(words) || (words.starts_with('*') && line.contains(&words[1..])),
            "{told:#?}"
        );
    }
}

#[test]
fn a_service_is_whoever_listens_on_its_port() {
    let host = host(&[(10, 0, WEB, 8080), (11, 0, API, 8081)]);
    let instances = [listens("web", 8080), listens("api", 8081)];
    assert_told(
        &instances,
        &host,
        &[
            "api: /system.slice/api.service (listening socket)",
            "web: /system.slice/web.service (listening socket)",
        ],
    );
    assert_eq!(resolve(&instances, &host).bound[1].cgroups[0].id, id(WEB));
}

#[test]
fn a_service_that_nobody_serves_is_nobody() {
    let mut host = host(&[(10, 0, WEB, 8080)]);
    assert_told(&[listens("web", 9090)], &host, &["web: nothing listens on 127.0.0.1:9090"]);
    host.processes.clear();
    assert_told(&[listens("web", 8080)], &host, &["web: the process that listens on 127.0.0.1:8080"]);
    let silent = Instance::new(name("web"), &Meta::new(), None);
    assert_told(&[silent], &host, &["web: it has no port and no selector"]);
}

#[test]
fn two_services_in_one_cgroup_are_ambiguous_until_selectors_tell_them_apart() {
    let host = host(&[(10, 0, WEB, 8080), (11, 0, WEB, 8081)]);
    let both = [listens("web", 8080), listens("api", 8081)];
    assert_told(
        &both,
        &host,
        &[
            "api: ambiguous: cgroup /system.slice/web.service is that of web too",
            "web: ambiguous: cgroup /system.slice/web.service is that of api too",
        ],
    );
    // Who is named outranks who is found.
    let named = [selects("web", "unit:web"), listens("api", 8081)];
    assert_told(&named, &host, &["web: /system.slice/web.service (selector)", "api: ambiguous"]);
    let contested = [selects("web", "unit:web"), selects("api", "unit:web")];
    assert_told(&contested, &host, &["api: ambiguous", "web: ambiguous"]);
}

#[test]
fn instances_of_one_service_may_share_and_spread() {
    let host = host(&[(10, 0, WEB, 8080), (11, 0, WEB, 8081), (12, 0, API, 8082)]);
    let instances = [listens("web", 8080), listens("web", 8081), listens("Web", 8082)];
    assert_told(&instances, &host, &["web: /system.slice/api.service /system.slice/web.service (listening"]);
}

#[test]
fn where_strangers_are_nobody_is_recognised() {
    let session = "/user.slice/user-0.slice/session-2.scope";
    for (cgroup, why) in
        [(session, "a login session"), ("/system.slice/mesh.service", "the agent itself"), ("/", "the root")]
    {
        let host = host(&[(10, 0, cgroup, 8080)]);
        assert_told(&[listens("web", 8080)], &host, &[&format!("*{why}")]);
    }
}

#[test]
fn listeners_in_several_cgroups_are_ambiguous_but_for_the_first_process() {
    let socket_activated = host(&[(1, 0, "/init.scope", 8080), (10, 0, WEB, 8080)]);
    assert_told(&[listens("web", 8080)], &socket_activated, &["web: /system.slice/web.service ("]);
    let scattered = host(&[(10, 0, WEB, 8080), (11, 0, API, 8080)]);
    assert_told(&[listens("web", 8080)], &scattered, &["web: its listeners are in several cgroups"]);
}

#[test]
fn selectors_find_units_containers_users_and_what_is_below() {
    let docker = format!("/system.slice/docker-{ID}.scope");
    let inner = format!("{WEB}/worker");
    let host = host(&[(10, 7, &docker, 1), (11, 8, &inner, 2), (12, 7, API, 3), (13, 8, API, 4)]);
    let table = [
        (format!("cgroup:{WEB}"), format!("web: {WEB} {WEB}/worker (selector)")),
        ("unit:web".to_owned(), format!("web: {WEB} {WEB}/worker (selector)")),
        (format!("container:{}", &ID[..12]), format!("web: {docker} (selector)")),
        ("uid:7".to_owned(), format!("web: {docker} (selector)")),
        ("uid:9".to_owned(), "web: uid:9 selects no cgroup".to_owned()),
        ("unit:db".to_owned(), "web: unit:db.service selects no cgroup".to_owned()),
    ];
    for (selector, expected) in table {
        assert_told(&[selects("web", &selector)], &host, &[&expected]);
    }
}

#[test]
fn a_selector_that_cannot_be_read_is_not_replaced_by_a_guess() {
    let host = host(&[(10, 0, WEB, 1)]);
    assert_told(&[selects("web", "unit")], &host, &["web: the service's meta mesh-workload is \"unit\""]);
}

#[test]
fn what_mesh_run_started_is_the_service_beside_what_listens() {
    let host =
        host(&[(10, 0, "/mesh-run/web/17", 1), (11, 0, "/mesh-run/web/17/inner", 2), (12, 0, WEB, 8080)]);
    let silent = Instance::new(name("WEB"), &Meta::new(), None);
    assert_told(&[silent], &host, &["WEB: /mesh-run/web/17 /mesh-run/web/17/inner (mesh run)"]);
    assert_told(
        &[listens("web", 8080)],
        &host,
        &["web: /mesh-run/web/17 /mesh-run/web/17/inner /system.slice/web.service (listening"],
    );
    let api = Instance::new(name("api"), &Meta::new(), None);
    assert_told(&[api], &host, &["api: it has no port"]);
}

#[test]
fn evidence_is_ranked_and_only_wanted_facts_are_read() {
    assert!(Evidence::Selector < Evidence::Run && Evidence::Run < Evidence::Listening);
    let host = host(&[(10, 0, WEB, 8080), (11, 0, API, 8081)]);
    let wanted = Wanted::by(&[listens("web", 8080), selects("api", "unit:api")], &host.listeners);
    assert_eq!(wanted, Wanted { sockets: [8080].into(), users: false });
    assert!(Wanted::by(&[selects("api", "uid:1")], &host.listeners).users);
}
