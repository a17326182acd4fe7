use super::super::plan::plan;
use super::*;
use crate::state::NodeView;

/// Has the catalog say what `local` says.
async fn write(catalog: &Catalog, local: &LocalState) {
    for command in plan(&options(), &local.view(), None, |_| true).commands {
        catalog.write(command).await.unwrap();
    }
}

fn on_node(catalog: &Catalog) -> NodeView {
    GetNode(options().node.name).run(&catalog.state()).unwrap()
}

fn services_of(node: &NodeView) -> Vec<&str> {
    node.services.iter().map(|s| s.id.as_str()).collect()
}

fn known_check(catalog: &Catalog, check: &str) -> Arc<HealthCheck> {
    on_node(catalog).checks.iter().find(|c| c.id.as_str() == check).unwrap().clone()
}

#[tokio::test]
async fn the_catalog_follows_and_is_repaired_after_either_side_lost_something() {
    let (local, catalog) = (Arc::new(LocalState::open(options())), catalog());
    let mut syncer = StateSyncer::new(local.clone(), catalog.clone());
    local.add_service(managed("web"), Source::Api).unwrap();
    syncer.sync().await.unwrap();
    let of_web = InstancesOf { service: ServiceName::new("web").unwrap(), through: Through::Mesh };
    assert_eq!(of_web.run(&catalog.state()).len(), 1);

    // The catalog lost a service, and has one with a check that nobody registered here.
    syncer.leave().await.unwrap();
    let other = LocalState::open(options());
    other.add_service(service("stranger"), Source::Api).unwrap();
    other.add_check(ttl("strange", Some("stranger")), Source::Api).unwrap();
    other.add_check(ttl("stranger-still", None), Source::Api).unwrap();
    write(&catalog, &other).await;
    assert_eq!(services_of(&on_node(&catalog)), ["stranger"]);
    syncer.sync().await.unwrap();
    let node = on_node(&catalog);
    assert_eq!(services_of(&node), ["web", "web-proxy"]);
    let checks: Vec<_> = node.checks.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(checks, ["serfHealth", "service:web-proxy:1"]);
}

#[tokio::test]
async fn a_server_is_found_as_a_service_that_nobody_registered() {
    let server = NodeService { port: 8300, tags: Vec::new(), ..service("consul").service };
    let as_server = LocalOptions { server: Some(server.clone()), ..options() };
    let (local, catalog) = (Arc::new(LocalState::open(as_server)), catalog());
    let mut syncer = StateSyncer::new(local.clone(), catalog.clone());
    local.add_service(service("web"), Source::Api).unwrap();
    syncer.sync().await.unwrap();
    assert_eq!(services_of(&on_node(&catalog)), ["consul", "web"]);
    assert!(on_node(&catalog).services[0].same_as(&server));
    assert_eq!(local.view().services.len(), 1);
    let applied = catalog.state().applied();
    syncer.sync().await.unwrap();
    assert_eq!(catalog.state().applied(), applied, "a second round has nothing to write");

    local.add_service(service("consul"), Source::Api).unwrap();
    syncer.sync().await.unwrap();
    assert_eq!(on_node(&catalog).services[0].port, 8080, "what somebody registers stands");
}

#[tokio::test(start_paused = true)]
async fn a_round_without_differences_writes_nothing() {
    let (local, catalog) = (Arc::new(LocalState::open(options())), catalog());
    let mut syncer = StateSyncer::new(local.clone(), catalog.clone());
    local.add_check(ttl("c", None), Source::Api).unwrap();
    local.add_service(managed("web"), Source::Api).unwrap();
    syncer.sync().await.unwrap();
    let applied = catalog.state().applied();
    syncer.sync().await.unwrap();
    assert_eq!(catalog.state().applied(), applied);
}

#[tokio::test(start_paused = true)]
async fn a_status_is_written_at_once_and_an_output_alone_waits() {
    let (local, catalog) = (Arc::new(LocalState::open(options())), catalog());
    let mut syncer = StateSyncer::new(local.clone(), catalog.clone());
    local.add_check(ttl("c", None), Source::Api).unwrap();
    syncer.sync().await.unwrap();
    local.update_check(&check_id("c"), CheckStatus::Critical, "why");
    syncer.sync().await.unwrap();
    assert_eq!(known_check(&catalog, "c").output, "");
    tokio::time::advance(Duration::from_secs(149)).await;
    syncer.sync().await.unwrap();
    assert_eq!(known_check(&catalog, "c").output, "");
    tokio::time::advance(Duration::from_secs(152)).await;
    local.update_check(&check_id("c"), CheckStatus::Critical, "newer");
    syncer.sync().await.unwrap();
    assert_eq!(known_check(&catalog, "c").output, "newer");

    local.update_check(&check_id("c"), CheckStatus::Passing, "fine");
    syncer.sync().await.unwrap();
    let known = known_check(&catalog, "c");
    assert_eq!((known.status, known.output.as_str()), (CheckStatus::Passing, "fine"));
}

#[tokio::test]
async fn tags_that_others_may_override_are_left_as_they_are() {
    let (local, catalog) = (Arc::new(LocalState::open(options())), catalog());
    let mut syncer = StateSyncer::new(local.clone(), catalog.clone());
    let mut own = service("web");
    own.service.enable_tag_override = true;
    own.checks = vec![ttl("c", Some("web"))];
    local.add_service(own.clone(), Source::Api).unwrap();
    local.add_service(service("strict"), Source::Api).unwrap();
    syncer.sync().await.unwrap();
    let other = LocalState::open(options());
    own.service.tags = vec!["theirs".into()];
    other.add_service(own, Source::Api).unwrap();
    let mut strict = service("strict");
    strict.service.tags = vec!["theirs".into()];
    other.add_service(strict, Source::Api).unwrap();
    write(&catalog, &other).await;
    syncer.sync().await.unwrap();
    let node = on_node(&catalog);
    let tags: Vec<_> = node.services.iter().map(|s| (s.id.as_str(), s.tags[0].as_str())).collect();
    assert_eq!(tags, [("strict", "v1"), ("web", "theirs")]);
    let applied = catalog.state().applied();
    syncer.sync().await.unwrap();
    assert_eq!(catalog.state().applied(), applied, "an overridden tag is written over and over");
}

#[tokio::test]
async fn many_registrations_come_in_commands_of_bounded_size_each_with_its_checks() {
    let (local, catalog) = (Arc::new(LocalState::open(options())), catalog());
    for n in 0..150 {
        let name = format!("web-{n}");
        let checks = vec![ttl(&format!("check-{n}"), Some(&name))];
        local.add_service(ServiceDefinition { checks, ..service(&name) }, Source::Api).unwrap();
    }
    let plan = plan(&options(), &local.view(), None, |_| true);
    for command in &plan.commands {
        let Command::Register(r) = command else { panic!("nothing is to be removed") };
        assert!(r.services.len() <= 64 && r.checks.len() <= 64);
        for service in &r.services {
            assert!(r.checks.iter().any(|c| c.service_id.as_ref() == Some(&service.id)), "{:?}", service.id);
        }
    }
    StateSyncer::new(local, catalog.clone()).sync().await.unwrap();
    let node = on_node(&catalog);
    assert_eq!((node.services.len(), node.checks.len()), (150, 151));
}

#[tokio::test(start_paused = true)]
async fn the_running_syncer_writes_a_change_at_once() {
    let (local, catalog) = (Arc::new(LocalState::open(options())), catalog());
    let shutdown = Shutdown::new();
    let mut tasks = TaskGroup::new();
    tasks.spawn("syncer", StateSyncer::new(local.clone(), catalog.clone()).run(shutdown.clone()));
    local.add_service(service("web"), Source::Api).unwrap();
    let topics = [crate::state::Topic::Service("web".into())];
    let seen = catalog.watch(&topics);
    tokio::time::timeout(Duration::from_secs(1), seen.changed(1)).await.unwrap();
    shutdown.begin();
    tasks.finish().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_leader_it_goes_on_trying_ever_more_slowly() {
    let store = Arc::new(Store::default());
    let consensus = OneVoter::new(store.clone());
    consensus.elect(false);
    let catalog = Catalog::new(store, consensus.clone());
    let local = Arc::new(LocalState::open(options()));
    let (shutdown, mut tasks) = (Shutdown::new(), TaskGroup::new());
    tasks.spawn("syncer", StateSyncer::new(local.clone(), catalog.clone()).run(shutdown.clone()));
    tokio::time::sleep(Duration::from_secs(60)).await;
    // Changes do not hurry it.
    for n in 0..100 {
        local.add_check(ttl(&n.to_string(), None), Source::Api).unwrap();
        tokio::task::yield_now().await;
    }
    let tries = consensus.asked();
    assert!((8..=14).contains(&tries), "{tries}");
    consensus.elect(true);
    tokio::time::sleep(Duration::from_secs(16)).await;
    assert_eq!(on_node(&catalog).checks.len(), 101);
}
