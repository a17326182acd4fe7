use super::*;

#[test]
fn output_is_cut_and_an_unchanged_result_is_no_change() {
    let local = LocalState::open(options());
    local.add_check(ttl("c", None), Source::Api).unwrap();
    let generation = local.generation();
    local.update_check(&check_id("c"), CheckStatus::Passing, "ééééé");
    assert_eq!(local.view().checks[&check_id("c")].check.output, "éééé");
    let seen = *generation.borrow();
    local.update_check(&check_id("c"), CheckStatus::Passing, "éééé and more");
    assert_eq!(*generation.borrow(), seen);
    local.update_check(&check_id("gone"), CheckStatus::Passing, "");
}

#[test]
fn a_check_of_a_service_that_is_not_here_is_refused() {
    let local = LocalState::open(options());
    let refused = local.add_check(ttl("c", Some("web")), Source::Api);
    assert!(matches!(refused, Err(LocalError::NoSuchService { .. })));
}

#[test]
fn scripts_run_only_where_the_policy_allows_their_source() {
    use ScriptPolicy::*;
    let script = CheckDefinition { probe: Probe::Script { args: vec!["true".into()] }, ..ttl("s", None) };
    let table = [(Nobody, false, false), (ConfigurationOnly, false, true), (Anybody, true, true)];
    for (scripts, api, configuration) in table {
        let local = LocalState::open(LocalOptions { scripts, ..options() });
        assert_eq!(local.add_check(script.clone(), Source::Api).is_ok(), api, "{scripts:?}");
        let replaced = local.replace_configuration(vec![], vec![script.clone()]);
        assert_eq!(replaced.is_ok(), configuration, "{scripts:?}");
    }
}

#[test]
fn maintenance_is_a_critical_check_that_survives_a_new_registration() {
    let local = LocalState::open(options());
    local.add_service(service("web"), Source::Api).unwrap();
    local.set_service_maintenance(&id("web"), Some("upgrade")).unwrap();
    local.add_service(service("web"), Source::Api).unwrap();
    let check = local.view().checks[&check_id("_service_maintenance:web")].check.clone();
    assert_eq!((check.status, check.notes.as_str()), (CheckStatus::Critical, "upgrade"));
    local.set_service_maintenance(&id("web"), None).unwrap();
    local.set_node_maintenance(Some("")).unwrap();
    assert_eq!(local.view().checks.keys().map(CheckId::as_str).collect::<Vec<_>>(), ["_node_maintenance"]);
    assert!(local.set_service_maintenance(&id("no"), None).is_err());
}

#[test]
fn a_check_that_cannot_run_is_refused_before_anything_is_stored() {
    let local = LocalState::open(options());
    for address in ["nowhere", "host:0", "::1:80"] {
        let bad = CheckDefinition { probe: Probe::Tcp { address: address.into() }, ..ttl("c", None) };
        assert!(matches!(local.add_check(bad.clone(), Source::Api), Err(LocalError::Check(_))), "{address}");
        let with_bad = ServiceDefinition { checks: vec![bad], ..service("web") };
        assert!(local.add_service(with_bad, Source::Api).is_err());
    }
    assert!(local.view().services.is_empty() && local.view().checks.is_empty());
}

#[test]
fn only_ttl_checks_are_for_services_to_report() {
    let local = LocalState::open(options());
    let tcp = CheckDefinition { probe: Probe::Tcp { address: "127.0.0.1:1".into() }, ..ttl("tcp", None) };
    local.add_check(tcp, Source::Api).unwrap();
    local.add_check(ttl("ttl", None), Source::Api).unwrap();
    local.set_node_maintenance(Some("")).unwrap();
    let report = |check: &str| local.report_ttl(&check_id(check), CheckStatus::Passing, "fine");
    assert!(report("ttl").is_ok());
    assert!(matches!(report("tcp"), Err(LocalError::NotTtl { .. })));
    assert!(matches!(report("_node_maintenance"), Err(LocalError::NotTtl { .. })));
    assert!(matches!(report("unknown"), Err(LocalError::UnknownCheck { .. })));
    let status = |check: &str| local.view().checks[&check_id(check)].check.status;
    assert_eq!((status("ttl"), status("tcp")), (CheckStatus::Passing, CheckStatus::Critical));
    assert_eq!(status("_node_maintenance"), CheckStatus::Critical);
}

#[test]
fn checks_stay_with_a_service_until_it_is_registered_with_others_in_their_place() {
    let local = LocalState::open(options());
    let with = |check: &str| ServiceDefinition { checks: vec![ttl(check, Some("web"))], ..service("web") };
    let checks = || local.view().checks.keys().map(ToString::to_string).collect::<Vec<_>>();
    local.add_service(with("first"), Source::Api).unwrap();
    local.add_check(ttl("apart", Some("web")), Source::Api).unwrap();
    local.set_service_maintenance(&id("web"), Some("")).unwrap();
    local.add_service(with("second"), Source::Api).unwrap();
    assert_eq!(checks(), ["_service_maintenance:web", "apart", "first", "second"]);
    local.replace_service(&with("second")).unwrap();
    assert_eq!(checks(), ["_service_maintenance:web", "second"]);
}

#[test]
fn checks_that_the_agent_itself_registers_are_not_for_others() {
    let local = LocalState::open(options());
    local.set_node_maintenance(Some("")).unwrap();
    for reserved in ["serfHealth", "_node_maintenance", "_service_maintenance:web"] {
        let forged = CheckDefinition { initial: CheckStatus::Passing, ..ttl(reserved, None) };
        let refused = local.add_check(forged.clone(), Source::Api);
        assert!(matches!(refused, Err(LocalError::ReservedCheck { .. })), "{reserved}");
        let with_it = ServiceDefinition { checks: vec![forged], ..service("web") };
        assert!(local.add_service(with_it, Source::Api).is_err(), "{reserved}");
    }
    assert_eq!(local.view().checks[&check_id("_node_maintenance")].check.status, CheckStatus::Critical);
}

#[test]
fn a_check_that_moves_to_another_service_begins_anew() {
    let local = LocalState::open(options());
    let with = |name: &str| ServiceDefinition { checks: vec![ttl("c", Some(name))], ..service(name) };
    local.add_service(with("web"), Source::Api).unwrap();
    local.report_ttl(&check_id("c"), CheckStatus::Passing, "fine").unwrap();
    local.add_service(with("web"), Source::Api).unwrap();
    assert_eq!(local.view().checks[&check_id("c")].check.status, CheckStatus::Passing);
    local.add_service(with("other"), Source::Api).unwrap();
    assert_eq!(local.view().checks[&check_id("c")].check.status, CheckStatus::Critical);
}

/// A keeper that runs, and how to end it.
fn keep(local: &Arc<LocalState>) -> (TaskGroup, Shutdown) {
    let (shutdown, mut tasks) = (Shutdown::new(), TaskGroup::new());
    tasks.spawn("checks", CheckKeeper::new(local.clone(), catalog()).run(shutdown.clone()));
    (tasks, shutdown)
}

async fn until(local: &LocalState, what: &str, condition: impl Fn(&LocalView) -> bool) {
    let mut generation = local.generation();
    let wait = async {
        while !condition(&local.view()) {
            generation.changed().await.unwrap();
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(3600), wait).await.is_ok(), "{what}");
}

fn has(check: &str, status: CheckStatus) -> impl Fn(&LocalView) -> bool {
    let check = check_id(check);
    move |view| view.checks.get(&check).is_some_and(|c| c.check.status == status)
}

#[tokio::test(start_paused = true)]
async fn a_ttl_check_passes_while_its_service_speaks() {
    let local = Arc::new(LocalState::open(options()));
    local.add_check(ttl("c", None), Source::Api).unwrap();
    let (_tasks, _shutdown) = keep(&local);
    let start = tokio::time::Instant::now();
    for _ in 0..5 {
        local.report_ttl(&check_id("c"), CheckStatus::Passing, "fine").unwrap();
        tokio::time::sleep(Duration::from_secs(25)).await;
        assert!(has("c", CheckStatus::Passing)(&local.view()), "{:?}", start.elapsed());
    }
    until(&local, "the check expires", has("c", CheckStatus::Critical)).await;
    assert_eq!(start.elapsed(), Duration::from_secs(4 * 25 + 30));
    assert_eq!(local.view().checks[&check_id("c")].check.output, "TTL expi", "cut to the check's size");
}

#[tokio::test(start_paused = true)]
async fn an_alias_follows_the_checks_of_its_service() {
    let local = Arc::new(LocalState::open(options()));
    let with_check = ServiceDefinition { checks: vec![ttl("own", Some("web"))], ..service("web") };
    let alias = Probe::Alias { node: None, service: Some(id("web")) };
    local.add_check(CheckDefinition { probe: alias, ..ttl("alias", None) }, Source::Api).unwrap();
    let (_tasks, _shutdown) = keep(&local);
    let gone = |view: &LocalView| view.checks[&check_id("alias")].check.output.starts_with("The alia");
    until(&local, "there is no such service", gone).await;
    local.add_service(with_check, Source::Api).unwrap();
    local.report_ttl(&check_id("own"), CheckStatus::Passing, "").unwrap();
    until(&local, "the alias passes", has("alias", CheckStatus::Passing)).await;
    local.report_ttl(&check_id("own"), CheckStatus::Warning, "").unwrap();
    until(&local, "the alias warns", has("alias", CheckStatus::Warning)).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stays_critical_is_deregistered_and_no_other() {
    let local = Arc::new(LocalState::open(options()));
    let after = Duration::from_secs(90);
    let doomed = |check: &str, service: &str| CheckDefinition {
        deregister_critical_after: Some(after),
        ..ttl(check, Some(service))
    };
    for name in ["sick", "well"] {
        let checks = vec![doomed(&format!("{name}-check"), name)];
        local.add_service(ServiceDefinition { checks, ..service(name) }, Source::Api).unwrap();
    }
    local.update_check(&check_id("well-check"), CheckStatus::Passing, "");
    let (_tasks, _shutdown) = keep(&local);
    // Both expire at 30 s; `well` speaks before its time is over.
    let start = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(80)).await;
    local.report_ttl(&check_id("well-check"), CheckStatus::Passing, "").unwrap();
    until(&local, "the sick service goes", |view| !view.services.contains_key(&id("sick"))).await;
    assert_eq!(start.elapsed(), after);
    assert!(local.view().services.contains_key(&id("well")));
}

#[tokio::test(start_paused = true)]
async fn a_sidecar_that_stays_critical_goes_without_its_service() {
    let local = Arc::new(LocalState::open(options()));
    let check =
        CheckDefinition { deregister_critical_after: Some(Duration::from_secs(60)), ..ttl("c", None) };
    let request = SidecarRequest { checks: Some(vec![check]), ..Default::default() };
    local.add_service(sidecar("web", request), Source::Api).unwrap();
    let (_tasks, _shutdown) = keep(&local);
    until(&local, "the sidecar goes", |view| !view.services.contains_key(&id("web-sidecar-proxy"))).await;
    assert!(local.view().services.contains_key(&id("web")));
}
