use super::*;

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
fn a_proxy_does_not_take_the_place_of_another_service() {
    let local = LocalState::open(options());
    local.add_service(service("web-proxy"), Source::Api).unwrap();
    let refused = local.add_service(managed("web"), Source::Api);
    assert!(matches!(refused, Err(LocalError::ProxyIdTaken { .. })));
    assert_eq!(local.view().services.len(), 1);
}

#[test]
fn a_service_whose_name_leaves_no_room_for_its_proxys_is_refused() {
    let local = LocalState::open(options());
    for name in ["x".repeat(255), "x".repeat(245)] {
        let refused = local.add_service(managed(&name), Source::Api);
        assert!(matches!(refused, Err(LocalError::DerivedName { .. })), "{}", name.len());
        local.add_service(service(&name), Source::Api).unwrap();
        assert!(local.set_service_maintenance(&id(&name), Some("")).is_err());
    }
    assert!(local.view().checks.is_empty());
}
