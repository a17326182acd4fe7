use super::*;

/// Two services with a check each, and a check of the node.
fn full_node() -> Written {
    let services = vec![service("web", "web"), service("db", "db")];
    let checks =
        vec![check("n1", "up", None), check("n1", "c-web", Some("web")), check("n1", "c-db", Some("db"))];
    Written::by([register(node("n1"), services, checks), register_service("n2", "web", "web")])
}

fn left(written: &Written) -> (Vec<String>, Vec<String>) {
    let node = written.ask(&get_node("n1")).unwrap();
    let services = node.services.iter().map(|s| s.id.to_string()).collect();
    (services, node.checks.iter().map(|c| c.id.to_string()).collect())
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn a_check_goes_alone() {
    let mut written = full_node();
    written.apply(deregister("n1", Some("web"), Some("c-web")));
    assert_eq!(left(&written), (owned(&["db", "web"]), owned(&["up", "c-db"])));
}

#[test]
fn a_service_takes_its_checks_along() {
    let mut written = full_node();
    written.apply(deregister("N1", Some("web"), None));
    assert_eq!(left(&written), (owned(&["db"]), owned(&["up", "c-db"])));
    assert_eq!(written.ask(&direct("web")).len(), 1, "the one on the other node stays");
}

#[test]
fn a_node_takes_everything_along() {
    let mut written = full_node();
    written.apply(deregister("n1", None, None));
    assert!(written.ask(&get_node("n1")).is_none());
    assert!(written.ask(&AllChecks(None)).is_empty());
    assert!(written.ask(&direct("db")).is_empty());
    assert_eq!(written.ask(&ListServices).len(), 1);
}

#[test]
fn what_is_not_there_is_deregistered_without_a_trace() {
    let mut written = full_node();
    let before = written.state();
    written.apply(deregister("n9", None, None));
    written.apply(deregister("n1", Some("none"), None));
    written.apply(deregister("n1", None, Some("none")));
    assert_eq!(written.state().indexes, before.indexes);
}

#[test]
fn what_comes_back_has_new_indexes() {
    let mut written = full_node();
    written.apply(deregister("n1", None, None));
    written.apply(register_service("n1", "web", "web"));
    assert_eq!(written.ask(&get_node("n1")).unwrap().node.index, RaftIndex { create: 4, modify: 4 });
}
