use super::*;

#[test]
fn what_came_through_the_api_survives_a_restart_and_a_damaged_file_does_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let options = LocalOptions { data_dir: Some(dir.path().into()), ..options() };
    let local = LocalState::open(options.clone());
    local.add_service(managed("web"), Source::Api).unwrap();
    local.add_service(service("gone"), Source::Api).unwrap();
    local.add_check(ttl("gone-check", Some("gone")), Source::Api).unwrap();
    local.add_check(ttl("c", Some("web")), Source::Api).unwrap();
    local.remove_service(&id("gone")).unwrap();
    std::fs::write(dir.path().join("services/feed"), b"{ \"service\": ").unwrap();

    let again = LocalState::open(options);
    let view = again.view();
    assert_eq!(view.services.keys().map(ServiceId::as_str).collect::<Vec<_>>(), ["web", "web-proxy"]);
    assert!(view.checks.contains_key(&check_id("c")) && !view.checks.contains_key(&check_id("gone-check")));
    assert!(dir.path().join("services/feed.damaged").exists());
}

/// An agent's data directory over several lives of the agent.
struct Lives {
    dir: tempfile::TempDir,
    clock: Clock,
}

impl Lives {
    fn new() -> Self {
        let clock = Clock::manual(Timestamp(1_000_000_000_000));
        Self { dir: tempfile::tempdir().unwrap(), clock }
    }

    fn open(&self) -> LocalState {
        self.open_with(options())
    }

    fn open_with(&self, options: LocalOptions) -> LocalState {
        let data_dir = Some(self.dir.path().into());
        LocalState::open_at(LocalOptions { data_dir, ..options }, self.clock.clone())
    }

    fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.clock.set(Timestamp(self.clock.now().millis() + millis));
    }
}

#[test]
fn proxies_have_the_same_ports_after_a_restart() {
    let lives = Lives::new();
    let before = lives.open();
    before.replace_configuration(vec![managed("configured")], vec![]).unwrap();
    for name in ["a", "b", "c", "d"] {
        before.add_service(managed(name), Source::Api).unwrap();
    }
    before.remove_service(&id("b")).unwrap();
    let after = lives.open();
    // A stranger does not get in between.
    after.add_service(managed("stranger"), Source::Api).unwrap();
    after.replace_configuration(vec![managed("configured")], vec![]).unwrap();
    let port = |local: &LocalState, name: &str| local.view().services[&id(name)].service.port;
    for name in ["a-proxy", "c-proxy", "d-proxy", "configured-proxy"] {
        assert_eq!(port(&after, name), port(&before, name), "{name}");
    }
    assert_eq!(port(&after, "stranger-proxy"), 20002, "the port that b gave back");
}

#[test]
fn what_a_service_said_of_itself_counts_over_a_restart_until_it_expires() {
    let lives = Lives::new();
    let local = lives.open();
    local.add_check(ttl("c", None), Source::Api).unwrap();
    local.report_ttl(&check_id("c"), CheckStatus::Passing, "fine").unwrap();

    lives.pass(Duration::from_secs(20));
    let soon = lives.open().view().checks[&check_id("c")].clone();
    assert_eq!((soon.check.status, soon.check.output.as_str()), (CheckStatus::Passing, "fine"));
    assert_eq!(soon.expires_at.unwrap().millis() - lives.clock.now().millis(), 10_000);

    lives.pass(Duration::from_secs(20));
    let late = lives.open().view().checks[&check_id("c")].clone();
    assert_eq!((late.check.status, late.expires_at), (CheckStatus::Critical, None));
}

#[tokio::test(start_paused = true)]
async fn the_time_that_was_left_before_a_restart_is_what_is_left() {
    let lives = Lives::new();
    let local = lives.open();
    local.add_check(ttl("c", None), Source::Api).unwrap();
    local.report_ttl(&check_id("c"), CheckStatus::Passing, "fine").unwrap();
    lives.pass(Duration::from_secs(20));

    let local = Arc::new(lives.open());
    let (shutdown, mut tasks) = (Shutdown::new(), TaskGroup::new());
    tasks.spawn("checks", CheckKeeper::new(local.clone(), catalog()).run(shutdown.clone()));
    let start = tokio::time::Instant::now();
    local.generation().changed().await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    assert_eq!(local.view().checks[&check_id("c")].check.status, CheckStatus::Critical);
}

#[test]
fn a_kept_check_waits_for_the_service_that_configuration_brings() {
    let lives = Lives::new();
    let local = lives.open();
    local.replace_configuration(vec![service("web")], vec![]).unwrap();
    local.add_check(ttl("c", Some("web")), Source::Api).unwrap();
    let again = lives.open();
    assert!(again.view().checks.is_empty());
    again.replace_configuration(vec![service("web")], vec![]).unwrap();
    assert!(again.view().checks.contains_key(&check_id("c")));
}

#[test]
fn maintenance_is_kept() {
    let lives = Lives::new();
    let local = lives.open();
    local.add_service(service("web"), Source::Api).unwrap();
    local.set_service_maintenance(&id("web"), Some("upgrade")).unwrap();
    local.set_node_maintenance(Some("")).unwrap();
    let again = lives.open();
    let ids: Vec<_> = again.view().checks.keys().map(ToString::to_string).collect();
    assert_eq!(ids, ["_node_maintenance", "_service_maintenance:web"]);
    again.set_node_maintenance(None).unwrap();
    again.remove_service(&id("web")).unwrap();
    assert!(lives.open().view().checks.is_empty());
}

#[test]
fn a_script_that_todays_policy_forbids_stays_critical_and_says_why() {
    let lives = Lives::new();
    let script = CheckDefinition {
        probe: Probe::Script { args: vec!["true".into()] },
        output_max_size: 4096,
        initial: CheckStatus::Passing,
        ..ttl("s", None)
    };
    let permissive = lives.open_with(LocalOptions { scripts: ScriptPolicy::Anybody, ..options() });
    permissive.add_check(script, Source::Api).unwrap();
    let check = lives.open().view().checks[&check_id("s")].check.clone();
    assert_eq!(check.status, CheckStatus::Critical);
    assert!(check.output.contains("enable_script_checks"), "{}", check.output);
}

#[test]
fn nothing_that_was_damaged_is_lost_and_nobody_else_reads_what_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let lives = Lives::new();
    for content in ["one", "two"] {
        lives.open().add_service(service("web"), Source::Api).unwrap();
        let services = lives.dir.path().join("services");
        let file = std::fs::read_dir(&services).unwrap().map(|f| f.unwrap().path());
        let file = file.into_iter().find(|f| f.extension().is_none()).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0);
        assert_eq!(services.metadata().unwrap().permissions().mode() & 0o077, 0);
        std::fs::write(&file, content).unwrap();
        assert!(lives.open().view().services.is_empty());
        let aside: Vec<_> = std::fs::read_dir(&services).unwrap().map(|f| f.unwrap().path()).collect();
        assert!(aside.iter().any(|f| std::fs::read_to_string(f).unwrap() == content), "{aside:?}");
    }
}

#[test]
fn checks_that_were_replaced_do_not_come_back() {
    let lives = Lives::new();
    let local = lives.open();
    local.add_service(service("web"), Source::Api).unwrap();
    local.add_check(ttl("apart", Some("web")), Source::Api).unwrap();
    local.report_ttl(&check_id("apart"), CheckStatus::Passing, "").unwrap();
    local.replace_service(&service("web")).unwrap();
    assert!(lives.open().view().checks.is_empty());
    local.add_check(ttl("apart", Some("web")), Source::Api).unwrap();
    assert_eq!(local.view().checks[&check_id("apart")].check.status, CheckStatus::Critical);
}

#[tokio::test]
async fn what_the_catalog_has_of_a_check_stands_until_somebody_has_looked() {
    use CheckStatus::{Critical, Passing};
    let catalog = catalog();
    let open = || {
        let local = Arc::new(LocalState::open(options()));
        local.add_service(managed("web"), Source::Api).unwrap();
        local.add_check(ttl("said", Some("web")), Source::Api).unwrap();
        local
    };
    let known = |check: &str| {
        let node = GetNode(options().node.name).run(&catalog.state()).unwrap();
        node.checks.iter().find(|c| c.id == check_id(check)).unwrap().clone()
    };
    let (before, probed) = (open(), "service:web-proxy:1");
    for check in [probed, "said"] {
        before.update_check(&check_id(check), Passing, "found");
    }
    StateSyncer::new(before, catalog.clone()).sync().await.unwrap();

    let after = open();
    assert_eq!(after.view().checks[&check_id(probed)].check.status, Critical);
    let mut syncer = StateSyncer::new(after.clone(), catalog.clone());
    syncer.sync().await.unwrap();
    let recalled = after.view().checks[&check_id(probed)].clone();
    assert!(recalled.fresh && recalled.check.status == Passing && recalled.check.output == "found");
    assert_eq!(known(probed).status, Passing);
    assert_eq!(known("said").status, Critical, "what only a service can say is not known");

    after.update_check(&check_id(probed), Critical, "gone");
    syncer.sync().await.unwrap();
    assert_eq!((known(probed).status, after.view().checks[&check_id(probed)].fresh), (Critical, false));
}
