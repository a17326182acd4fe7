use super::*;

#[test]
fn a_reload_replaces_what_came_from_configuration_and_keeps_statuses() {
    let local = LocalState::open(options());
    let with_check = |name: &str| ServiceDefinition { checks: vec![ttl("c", Some(name))], ..service(name) };
    local.add_service(service("api"), Source::Api).unwrap();
    local.replace_configuration(vec![with_check("web"), managed("old")], vec![ttl("node", None)]).unwrap();
    local.update_check(&check_id("c"), CheckStatus::Passing, "fine");
    local.replace_configuration(vec![with_check("web")], vec![]).unwrap();
    let view = local.view();
    assert_eq!(view.services.keys().map(ServiceId::as_str).collect::<Vec<_>>(), ["api", "web"]);
    assert_eq!(view.checks.keys().map(CheckId::as_str).collect::<Vec<_>>(), ["c"]);
    assert_eq!(view.checks[&check_id("c")].check.status, CheckStatus::Passing);
}

fn names(local: &LocalState) -> Vec<String> {
    local.view().checks.keys().map(ToString::to_string).collect()
}

#[test]
fn a_check_of_configuration_goes_when_configuration_no_longer_names_it() {
    let local = LocalState::open(options());
    let web = || vec![service("web")];
    local.replace_configuration(web(), vec![ttl("apart", Some("web")), ttl("node", None)]).unwrap();
    local.add_check(ttl("api", Some("web")), Source::Api).unwrap();
    local.replace_configuration(web(), vec![ttl("node", None)]).unwrap();
    assert_eq!(names(&local), ["api", "node"]);
}

#[test]
fn a_configuration_that_is_not_possible_changes_nothing() {
    let local = LocalState::open(options());
    local.replace_configuration(vec![service("web")], vec![ttl("c", Some("web"))]).unwrap();
    let orphan = vec![ttl("c", Some("nobody"))];
    assert!(local.replace_configuration(vec![service("other")], orphan).is_err());
    assert!(local.view().services.contains_key(&id("web")));
    assert_eq!(names(&local), ["c"]);
}

#[test]
fn configuration_ends_what_the_api_registered_under_the_same_id() {
    let dir = tempfile::tempdir().unwrap();
    let options = LocalOptions { data_dir: Some(dir.path().into()), ..options() };
    let local = LocalState::open(options.clone());
    local.add_service(service("web"), Source::Api).unwrap();
    local.add_check(ttl("c", None), Source::Api).unwrap();
    local.replace_configuration(vec![service("web")], vec![ttl("c", None)]).unwrap();
    local.replace_configuration(vec![], vec![]).unwrap();
    assert!(local.view().services.is_empty() && local.view().checks.is_empty());
    let again = LocalState::open(options);
    assert!(again.view().services.is_empty() && again.view().checks.is_empty());
}
