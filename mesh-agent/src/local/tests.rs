//! The room as its users see it, over a real state machine.

use super::*;
use crate::catalog::{Catalog, Consensus, ConsensusError, Later};
use crate::model::*;
use crate::state::{Command, GetNode, InstancesOf, Outcome, Query, Store, Through};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Applies at once.
struct Alone {
    store: Arc<Store>,
    index: AtomicU64,
}

impl Consensus for Alone {
    fn write(&self, command: Command) -> Later<'_, Result<Outcome, ConsensusError>> {
        let index = self.index.fetch_add(1, Ordering::Relaxed) + 1;
        let outcome = self.store.apply(index, vec![command]).remove(0);
        Box::pin(async move { Ok(outcome) })
    }
    fn confirm_leadership(&self) -> Later<'_, Result<(), ConsensusError>> {
        Box::pin(async { Ok(()) })
    }
    fn leader(&self) -> Option<String> {
        Some("127.0.0.1:8300".into())
    }
    fn peers(&self) -> Vec<String> {
        Vec::new()
    }
}

fn catalog() -> Catalog {
    let store = Arc::new(Store::default());
    Catalog::new(store.clone(), Arc::new(Alone { store, index: AtomicU64::new(1) }))
}

fn options() -> LocalOptions {
    LocalOptions {
        node: Node {
            id: None,
            name: NodeName::new("n1").unwrap(),
            address: "127.0.0.1".into(),
            datacenter: Datacenter::new("dc1").unwrap(),
            tagged_addresses: Meta::new(),
            meta: Meta::new(),
            index: RaftIndex::default(),
        },
        data_dir: None,
        sidecar_ports: 21000..=21255,
        proxy_ports: 20000..=20255,
        proxy_bind: Ipv4Addr::LOCALHOST.into(),
        external_sidecars: false,
        proxy_defaults: Opaque::new(),
        scripts: ScriptPolicy::Nobody,
        sync_interval: Duration::from_secs(60),
    }
}

fn id(name: &str) -> ServiceId {
    ServiceId::new(name).unwrap()
}

fn check_id(name: &str) -> CheckId {
    CheckId::new(name).unwrap()
}

fn service(name: &str) -> ServiceDefinition {
    let service = NodeService {
        id: id(name),
        name: ServiceName::new(name).unwrap(),
        kind: ServiceKind::Typical,
        tags: vec!["v1".into()],
        address: String::new(),
        tagged_addresses: Default::default(),
        port: 8080,
        meta: Meta::new(),
        weights: Weights::default(),
        enable_tag_override: false,
        proxy: None,
        connect_native: false,
        index: RaftIndex::default(),
    };
    ServiceDefinition { service, checks: Vec::new(), token: String::new(), proxy: None }
}

fn ttl(check: &str, service: Option<&str>) -> CheckDefinition {
    CheckDefinition {
        id: check_id(check),
        name: check.into(),
        notes: String::new(),
        service: service.map(id),
        initial: CheckStatus::Critical,
        interval: Duration::from_secs(10),
        timeout: Duration::from_secs(10),
        success_before_passing: 1,
        failures_before_warning: 1,
        failures_before_critical: 1,
        deregister_critical_after: None,
        output_max_size: 8,
        probe: Probe::Ttl { ttl: Duration::from_secs(30) },
    }
}

fn managed(name: &str) -> ServiceDefinition {
    let managed =
        ManagedProxy { exec_mode: String::new(), command: vec![], config: Opaque::new(), upstreams: vec![] };
    ServiceDefinition { proxy: Some(ProxyRequest::Managed(managed)), ..service(name) }
}

fn sidecar(name: &str, request: SidecarRequest) -> ServiceDefinition {
    ServiceDefinition { proxy: Some(ProxyRequest::Sidecar(Box::new(request))), ..service(name) }
}

#[test]
fn a_managed_proxy_is_a_registration_of_its_own() {
    let local = LocalState::open(options());
    local.add_service(managed("web"), Source::Api).unwrap();
    let view = local.view();
    let proxy = &view.services[&id("web-proxy")];
    assert_eq!((proxy.service.kind, proxy.service.port), (ServiceKind::ConnectProxy, 20000));
    assert_eq!(proxy.service.connect_destination().unwrap().as_str(), "web");
    assert_eq!(view.checks[&check_id("service:web-proxy:1")].check.kind, "tcp");
    let run = local.proxies().borrow().clone();
    assert_eq!((run.len(), run[0].app.as_str(), run[0].source.as_str()), (1, "127.0.0.1:8080", "web"));
}

#[test]
fn a_sidecar_takes_what_it_does_not_say_from_its_service() {
    let local = LocalState::open(options());
    local.add_service(sidecar("web", SidecarRequest::default()), Source::Api).unwrap();
    let view = local.view();
    let proxy = &view.services[&id("web-sidecar-proxy")].service;
    assert_eq!((proxy.port, proxy.tags.as_slice()), (21000, &["v1".to_owned()][..]));
    let checks: Vec<_> =
        view.checks.values().map(|c| (c.check.name.as_str(), c.check.kind.as_str())).collect();
    assert_eq!(checks, [("Connect Sidecar Listening", "tcp"), ("Connect Sidecar Aliasing web", "alias")]);
}

#[test]
fn a_proxy_that_somebody_else_runs_is_registered_but_not_run() {
    let external = SidecarRequest {
        config: [("external".into(), true.into())].into_iter().collect(),
        ..Default::default()
    };
    let local = LocalState::open(options());
    local.add_service(sidecar("web", external), Source::Api).unwrap();
    assert!(local.view().services.contains_key(&id("web-sidecar-proxy")));
    assert!(local.proxies().borrow().is_empty());
    let everywhere = LocalState::open(LocalOptions { external_sidecars: true, ..options() });
    everywhere.add_service(sidecar("web", SidecarRequest::default()), Source::Api).unwrap();
    assert!(everywhere.proxies().borrow().is_empty());
}

#[test]
fn registering_again_keeps_the_port_and_deregistering_takes_the_proxy_along() {
    let local = LocalState::open(options());
    for name in ["a", "b"] {
        local.add_service(managed(name), Source::Api).unwrap();
    }
    local.add_service(managed("b"), Source::Api).unwrap();
    assert_eq!(local.view().services[&id("b-proxy")].service.port, 20001);
    assert!(matches!(local.remove_service(&id("b-proxy")), Err(LocalError::Derived { .. })));
    local.remove_service(&id("b")).unwrap();
    assert_eq!(local.view().services.keys().map(ServiceId::as_str).collect::<Vec<_>>(), ["a", "a-proxy"]);
    assert_eq!(local.view().checks.len(), 1);
    assert!(matches!(local.remove_service(&id("b")), Err(LocalError::UnknownService { .. })));
}

#[test]
fn a_service_that_no_longer_asks_for_a_proxy_loses_it() {
    let local = LocalState::open(options());
    local.add_service(managed("web"), Source::Api).unwrap();
    local.add_service(service("web"), Source::Api).unwrap();
    assert_eq!(local.view().services.len(), 1);
    assert!(local.view().checks.is_empty() && local.proxies().borrow().is_empty());
}

#[test]
fn a_full_port_range_changes_nothing() {
    let local = LocalState::open(LocalOptions { proxy_ports: 20000..=20000, ..options() });
    local.add_service(managed("a"), Source::Api).unwrap();
    assert!(matches!(local.add_service(managed("b"), Source::Api), Err(LocalError::NoPort { .. })));
    assert_eq!(local.view().services.len(), 2);
}

#[test]
fn the_content_hash_changes_with_the_content_only() {
    let local = LocalState::open(options());
    let hash = |local: &LocalState| local.view().services[&id("web")].content_hash.clone();
    local.add_service(service("web"), Source::Api).unwrap();
    let first = hash(&local);
    local.add_service(service("web"), Source::Api).unwrap();
    assert_eq!(hash(&local), first);
    let mut other = service("web");
    other.service.port = 9090;
    local.add_service(other, Source::Api).unwrap();
    assert_ne!(hash(&local), first);
}

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

#[tokio::test]
async fn the_catalog_follows_and_is_repaired_after_either_side_lost_something() {
    let (local, catalog) = (Arc::new(LocalState::open(options())), catalog());
    let syncer = StateSyncer::new(local.clone(), catalog.clone());
    local.add_service(managed("web"), Source::Api).unwrap();
    syncer.sync(true).await.unwrap();
    let of_web = InstancesOf { service: ServiceName::new("web").unwrap(), through: Through::Mesh };
    assert_eq!(of_web.run(&catalog.state()).len(), 1);

    // The catalog lost a service, and has one that nobody registered.
    syncer.leave().await.unwrap();
    syncer.sync(true).await.unwrap();
    let stranger = super::sync::plan(
        &options().node,
        &{
            let other = LocalState::open(options());
            other.add_service(service("stranger"), Source::Api).unwrap();
            LocalView::clone(&other.view())
        },
        None,
        true,
    );
    for command in stranger {
        catalog.write(command).await.unwrap();
    }
    syncer.sync(true).await.unwrap();
    let node = GetNode(options().node.name).run(&catalog.state()).unwrap();
    assert_eq!(node.services.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["web", "web-proxy"]);
    assert!(node.checks.iter().any(|c| c.id.as_str() == "serfHealth"));
}

#[tokio::test]
async fn a_round_without_differences_writes_nothing_and_outputs_wait_for_a_full_one() {
    let (local, catalog) = (Arc::new(LocalState::open(options())), catalog());
    let syncer = StateSyncer::new(local.clone(), catalog.clone());
    local.add_check(ttl("c", None), Source::Api).unwrap();
    syncer.sync(true).await.unwrap();
    let applied = catalog.state().applied();
    syncer.sync(true).await.unwrap();
    assert_eq!(catalog.state().applied(), applied);
    local.update_check(&check_id("c"), CheckStatus::Critical, "why");
    syncer.sync(false).await.unwrap();
    assert_eq!(catalog.state().applied(), applied);
    syncer.sync(true).await.unwrap();
    assert!(catalog.state().applied() > applied);
}

#[tokio::test(start_paused = true)]
async fn the_running_syncer_writes_a_change_at_once() {
    let (local, catalog) = (Arc::new(LocalState::open(options())), catalog());
    let shutdown = crate::task::Shutdown::new();
    let mut tasks = crate::task::TaskGroup::new();
    tasks.spawn("syncer", StateSyncer::new(local.clone(), catalog.clone()).run(shutdown.clone()));
    local.add_service(service("web"), Source::Api).unwrap();
    let topics = [crate::state::Topic::Service("web".into())];
    let seen = catalog.watch(&topics);
    tokio::time::timeout(Duration::from_secs(1), seen.changed(1)).await.unwrap();
    shutdown.begin();
    tasks.finish().await;
}
