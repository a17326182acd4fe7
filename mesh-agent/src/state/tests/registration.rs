use super::*;
use crate::model::Node;

fn identified(name: &str, id: u128) -> Node {
    Node { id: Some(uuid::Uuid::from_u128(id)), ..node(name) }
}

fn register_node(node: Node) -> Command {
    register(node, vec![], vec![])
}

#[test]
fn a_registration_that_changes_nothing_moves_no_index() {
    let whole = || {
        let services = vec![service("web", "web"), sidecar("web")];
        register(node("n1"), services, vec![check("n1", "up", None), check("n1", "http", Some("web"))])
    };
    let mut written = Written::by([whole()]);
    let before = written.state();
    written.apply(whole());
    let after = written.state();
    assert_eq!(after.indexes, before.indexes);
    let rows = |state: &State| {
        let services: Vec<_> = state.services.values().map(|s| s.index).collect();
        let checks: Vec<_> = state.checks.values().map(|c| c.index).collect();
        (state.nodes.values().map(|n| n.index).collect::<Vec<_>>(), services, checks)
    };
    assert_eq!(rows(&after), rows(&before));
    assert_eq!(after.applied(), 2);
}

#[test]
fn a_changed_row_keeps_its_create_index() {
    let mut written = Written::by([register_service("n1", "web", "web")]);
    written.apply(register(node("n1"), vec![NodeService { port: 81, ..service("web", "web") }], vec![]));
    let found = written.ask(&direct("web"));
    assert_eq!(found[0].service.index, RaftIndex { create: 1, modify: 2 });
    assert_eq!(found[0].node.index, RaftIndex { create: 1, modify: 1 });
}

#[test]
fn a_node_update_can_be_skipped_but_not_where_there_is_no_node() {
    let elsewhere = Node { address: "10.9.9.9".to_owned(), ..node("n1") };
    let skipping = |node: Node| {
        let (services, checks) = (vec![service("web", "web")], vec![]);
        Command::Register(Box::new(Registration { node, skip_node_update: true, services, checks }))
    };
    let mut written = Written::by([skipping(node("n1"))]);
    written.apply(skipping(elsewhere));
    assert_eq!(written.ask(&get_node("n1")).unwrap().node.address, "10.0.0.1");
}

#[test]
fn names_are_the_same_in_any_case() {
    let written = Written::by([register_service("Node-1", "web", "Web")]);
    assert_eq!(written.ask(&direct("wEB")).len(), 1);
    assert_eq!(written.ask(&get_node("nODE-1")).unwrap().services.len(), 1);
}

#[test]
fn a_check_of_a_missing_service_is_refused_and_nothing_of_its_registration_stays() {
    let mut written = Written::default();
    let checks = vec![check("n1", "ok", None), check("n1", "c", Some("db"))];
    let refusal = written.refusal(register(node("n1"), vec![service("web", "web")], checks));
    assert!(matches!(&refusal, Refusal::NoSuchService { service, .. } if service.as_str() == "db"));
    assert!(refusal.to_string().contains("register the service first"), "{refusal}");
    assert!(written.state().nodes.is_empty() && written.state().services.is_empty());
    // The service may come with its check.
    written.apply(register(node("n1"), vec![service("db", "db")], vec![check("n1", "c", Some("db"))]));
}

#[test]
fn a_check_carries_the_names_and_tags_of_what_it_is_of() {
    let mut written = Written::by([
        register_service("n1", "web-1", "web"),
        register(node("n1"), vec![], vec![check("somewhere-else", "c", Some("web-1"))]),
    ]);
    let found = written.ask(&ServiceChecks(service_name("web")));
    assert_eq!(found[0].node.as_str(), "n1");
    assert_eq!(found[0].service_name, Some(service_name("web")));
    let renamed = NodeService { tags: vec!["v2".to_owned()], ..service("web-1", "shop") };
    written.apply(register(node("n1"), vec![renamed], vec![]));
    let found = written.ask(&ServiceChecks(service_name("shop")));
    assert_eq!(found[0].service_name, Some(service_name("shop")));
    assert_eq!(found[0].service_tags, ["v2"]);
    assert_eq!(found[0].index, RaftIndex { create: 2, modify: 3 });
    assert!(written.ask(&ServiceChecks(service_name("web"))).is_empty());
}

#[test]
fn a_renamed_node_is_the_same_node_and_leaves_nothing_under_its_old_name() {
    let mut written = Written::by([
        register(identified("old", 7), vec![service("web", "web")], vec![check("old", "up", None)]),
        register_node(identified("new", 7)),
    ]);
    assert!(written.ask(&get_node("old")).is_none());
    assert!(written.ask(&direct("web")).is_empty());
    assert!(written.ask(&AllChecks(None)).is_empty());
    let node = written.ask(&get_node("new")).unwrap().node;
    assert_eq!(node.index, RaftIndex { create: 1, modify: 2 });
    written.apply(register_node(identified("old", 8)));
    assert_eq!(written.ask(&ListNodes).len(), 2);
}

#[test]
fn a_node_cannot_take_the_name_of_another_that_lives() {
    let mut written = Written::by([register_node(identified("n1", 7))]);
    let refusal = written.refusal(register_node(identified("N1", 8)));
    let [id, holder] = [8, 7].map(uuid::Uuid::from_u128);
    assert_eq!(refusal, Refusal::NodeNameTaken { node: "N1".parse().unwrap(), id, holder });
    // Once it is known to have failed, its machine may have been replaced.
    let mut dead = check("n1", "serfHealth", None);
    dead.status = CheckStatus::Critical;
    written.apply(register(identified("n1", 7), vec![], vec![dead]));
    written.apply(register_node(identified("n1", 8)));
    assert_eq!(written.ask(&get_node("n1")).unwrap().node.id, Some(id));
}

#[test]
fn a_registration_without_node_id_does_not_take_the_id_away() {
    let mut written = Written::by([register_node(identified("n1", 7))]);
    written.apply(register_service("n1", "web", "web"));
    assert_eq!(written.ask(&get_node("n1")).unwrap().node.id, Some(uuid::Uuid::from_u128(7)));
}
