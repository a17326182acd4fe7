use super::*;
use crate::model::{HealthCheck, Node};

fn critical(check: HealthCheck) -> HealthCheck {
    HealthCheck { status: CheckStatus::Critical, ..check }
}

/// `web` with its sidecar and checks on n1, and `db` on n2.
fn mesh() -> Written {
    let services = vec![service("web", "web"), sidecar("web")];
    let checks = vec![check("n1", "up", None), check("n1", "c", Some("web"))];
    Written::by([register(node("n1"), services, checks), register_service("n2", "db", "db")])
}

/// Whether a command wakes who waits for an answer: its index rises, and its bell rings.
async fn wakes<Q: Query>(written: &mut Written, query: &Q, command: Command) -> bool {
    let seen = written.index_of(query);
    let watch = written.store.watch(&query.topics());
    written.apply(command);
    let rises = written.index_of(query) > seen;
    let rings = tokio::time::timeout(std::time::Duration::ZERO, watch.changed(seen)).await.is_ok();
    assert_eq!(rises, rings, "index and bell disagree");
    rises
}

#[tokio::test]
async fn instances_wake_for_all_that_shows_in_them() {
    let on_n1 = |services, checks| register(node("n1"), services, checks);
    let moved = Node { address: "10.0.0.2".to_owned(), ..node("n1") };
    let changed = NodeService { port: 81, ..service("web", "web") };
    let commands = [
        ("service change", on_n1(vec![changed], vec![])),
        ("another instance", register_service("n3", "web-3", "web")),
        ("service check", on_n1(vec![], vec![critical(check("n1", "c", Some("web")))])),
        ("node check", on_n1(vec![], vec![critical(check("n1", "up", None))])),
        ("new node check", on_n1(vec![], vec![check("n1", "disk", None)])),
        ("node address", register(moved, vec![], vec![])),
        ("check removed", deregister("n1", None, Some("c"))),
        ("instance removed", deregister("n1", Some("web"), None)),
    ];
    for (what, command) in commands {
        assert!(wakes(&mut mesh(), &direct("web"), command).await, "{what}");
    }
}

#[tokio::test]
async fn instances_do_not_wake_for_others() {
    let on_n2 = |services, checks| register(node("n2"), services, checks);
    let other_services_check = critical(check("n1", "c-db", Some("db")));
    let commands = [
        ("another service", register_service("n2", "db-2", "db")),
        ("another node's check", on_n2(vec![], vec![critical(check("n2", "up", None))])),
        (
            "another service's check",
            register(node("n1"), vec![service("db", "db")], vec![other_services_check]),
        ),
        ("another service gone", deregister("n2", Some("db"), None)),
        ("another node gone", deregister("n2", None, None)),
        ("a new node", register(node("n9"), vec![], vec![])),
        ("an intention", Command::PutIntention(Box::new(intention(1, "a", "web", ALLOW)))),
        ("nothing new", register_service("n1", "web", "web")),
    ];
    for (what, command) in commands {
        assert!(!wakes(&mut mesh(), &direct("web"), command).await, "{what}");
    }
}

const ALLOW: crate::model::IntentionAction = crate::model::IntentionAction::Allow;

#[tokio::test]
async fn mesh_instances_wake_for_their_proxies() {
    let through_mesh = instances("web", Through::Mesh);
    let proxy = NodeService { port: 21_000, ..sidecar("web") };
    assert!(wakes(&mut mesh(), &through_mesh, register(node("n1"), vec![proxy], vec![])).await);
    assert!(wakes(&mut mesh(), &through_mesh, deregister("n1", Some("web-proxy"), None)).await);
    let native = NodeService { connect_native: true, ..service("web-9", "web") };
    assert!(wakes(&mut mesh(), &through_mesh, register(node("n9"), vec![native], vec![])).await);
    // The proxy's answer does not show the service behind it.
    let behind = NodeService { port: 81, ..service("web", "web") };
    assert!(!wakes(&mut mesh(), &through_mesh, register(node("n1"), vec![behind], vec![])).await);
}

#[tokio::test]
async fn a_node_wakes_for_what_is_on_it() {
    for command in [
        register_service("n1", "more", "more"),
        register(node("n1"), vec![], vec![critical(check("n1", "c", Some("web")))]),
        deregister("n1", Some("web"), None),
        deregister("n1", None, Some("up")),
        deregister("n1", None, None),
    ] {
        assert!(wakes(&mut mesh(), &get_node("n1"), command).await);
    }
    assert!(!wakes(&mut mesh(), &get_node("n1"), register_service("n2", "more", "more")).await);
}

#[tokio::test]
async fn lists_wake_for_their_rows() {
    assert!(wakes(&mut mesh(), &ListServices, register_service("n2", "db-2", "db")).await);
    assert!(!wakes(&mut mesh(), &ListServices, register(node("n9"), vec![], vec![])).await);
    assert!(wakes(&mut mesh(), &ListNodes, register(node("n9"), vec![], vec![])).await);
    assert!(!wakes(&mut mesh(), &ListNodes, register_service("n2", "db-2", "db")).await);
    assert!(wakes(&mut mesh(), &AllChecks(None), deregister("n1", None, Some("c"))).await);
}

#[tokio::test]
async fn a_check_that_moves_to_another_service_wakes_both() {
    let moved = || register(node("n1"), vec![], vec![check("n1", "c", Some("web-proxy"))]);
    assert!(wakes(&mut mesh(), &direct("web"), moved()).await);
    assert!(wakes(&mut mesh(), &direct("web-proxy"), moved()).await);
}

#[tokio::test]
async fn a_service_that_changes_its_name_wakes_both_names() {
    let renamed = || register_service("n1", "web", "shop");
    assert!(wakes(&mut mesh(), &direct("web"), renamed()).await);
    assert!(wakes(&mut mesh(), &direct("shop"), renamed()).await);
}

#[test]
fn an_index_does_not_go_back_when_its_service_goes_and_comes_and_is_restored() {
    let mut written = mesh();
    let queries = ["web", "web-proxy", "db", "never"].map(direct);
    let mut seen = queries.each_ref().map(|query| written.index_of(query));
    let commands = [
        deregister("n1", Some("web"), None),
        deregister("n2", None, None),
        register_service("n5", "web", "web"),
        deregister("n1", None, None),
        deregister("n5", None, None),
        register_service("n5", "db", "db"),
    ];
    for command in commands {
        written.apply(command);
        written = written.restored();
        let now = queries.each_ref().map(|query| written.index_of(query));
        assert!(now.iter().zip(&seen).all(|(now, seen)| now >= seen), "{seen:?} then {now:?}");
        seen = now;
    }
}

#[test]
fn names_that_are_gone_take_no_room() {
    let mut written = mesh();
    let before = format!("{:?}", written.state().indexes).len();
    for number in 0..50 {
        let name = format!("job-{number}");
        written.apply(register_service(&name, &name, &name));
        written.apply(deregister(&name, None, None));
    }
    let after = format!("{:?}", written.state().indexes).len();
    assert!(after < before + 50, "{before} then {after}");
}

#[test]
fn nothing_has_index_zero() {
    assert_eq!(Written::default().index_of(&ListIntentions), 1);
}
