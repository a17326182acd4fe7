use super::fronted::{Fronted, fronted};
use crate::catalog::Catalog;
use crate::dataplane::workload;
use crate::dataplane::{Acceleration, Guarded, Instance, MeshService, Rule, Wishes};
use crate::discovery::{CatalogReader, Endpoint, Health, Reach};
use crate::local::{LocalView, ProxyAssignment};
use crate::model::{IntentionAction, IntentionTarget, NodeName, NodeService, ServiceKind, ServiceName};
use crate::policy::MeshSnapshot;
use crate::state::State;
use mesh_common::Action;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The services that are registered here, proxies apart.
pub(super) fn instances(view: &LocalView) -> Vec<workload::Instance> {
    let services = view.services.values().map(|local| &local.service);
    let apps = services.filter(|service| service.kind == ServiceKind::Typical);
    apps.map(|s| workload::Instance::new(s.name.clone(), &s.meta, Some(listens(s)))).collect()
}

/// The strict services of this host. Their health does not count: who is ill is not open to everybody.
pub(super) fn guarded(view: &LocalView) -> Vec<Guarded> {
    let services = view.services.values().map(|local| &local.service);
    let strict =
        services.filter(|s| s.kind == ServiceKind::Typical && s.port != 0 && Wishes::of(&s.meta).strict);
    strict.map(|s| Guarded { service: s.name.clone(), app: listens(s) }).collect()
}

/// Where an app listens that says no more than its port.
fn listens(service: &NodeService) -> SocketAddr {
    let own = service.address.parse::<IpAddr>();
    SocketAddr::new(own.unwrap_or(Ipv4Addr::LOCALHOST.into()), service.port)
}

/// The services of the mesh, with where they are on this node and elsewhere. `is_still` says which servers of this node
/// count although they do not pass.
pub(super) fn services(
    state: &State,
    node: &NodeName,
    proxies: &[ProxyAssignment],
    acceleration: &Acceleration,
    is_still: impl Fn(Ipv4Addr, &Endpoint, SocketAddr) -> bool,
) -> Vec<MeshService> {
    let service = |(name, virtual_ip): (&ServiceName, &Ipv4Addr)| {
        let here = |endpoint: &Endpoint| endpoint.node.name.folded() == node.folded();
        let app =
            |proxy: &Endpoint| proxies.iter().find(|p| p.proxy.id == proxy.service.id)?.app.parse().ok();
        let through = state.instances(name, Reach::Mesh).into_iter().filter(here);
        let through = through.filter_map(|proxy| Some((app(&proxy)?, proxy)));
        let serves = |(app, proxy): &(SocketAddr, Endpoint)| {
            Health::OnlyPassing.accepts(proxy.status) || is_still(*virtual_ip, proxy, *app)
        };
        let server = { through }.find(serves).map(|(app, _)| app);
        let instance = |Fronted { address, proxy }| match here(&proxy) {
            // Whoever else's proxy stands before it dials it by this address too.
            true => app(&proxy).map(|app| Instance { address, server: Some(app) }),
            false => Some(Instance { address, server: None }),
        };
        let fronted = fronted(state, name);
        let is_fit = |f: &&Fronted| !here(&f.proxy) && Health::OnlyPassing.accepts(f.proxy.status);
        let elsewhere = fronted.iter().filter(is_fit).map(|f| f.address).min();
        let instances = fronted.into_iter().filter_map(instance).collect();
        let direct = state.instances(name, Reach::Direct);
        let everywhere = |endpoint: &Endpoint| Wishes::of(&endpoint.service.meta);
        let open = !direct.is_empty() && direct.iter().all(|endpoint| everywhere(endpoint).open);
        let wishes: Vec<_> = direct.iter().filter(|e| here(e)).map(everywhere).collect();
        let strict = wishes.iter().any(|wishes| wishes.strict);
        let fast = wishes.iter().all(|wishes| acceleration.of(wishes.accelerate));
        let (name, virtual_ip) = (name.clone(), *virtual_ip);
        MeshService { name, virtual_ip, server, instances, strict, fast, open, elsewhere }
    };
    state.virtual_ips().map(service).collect()
}

pub(super) fn rules(snapshot: &MeshSnapshot) -> Vec<Rule> {
    let name = |target: &IntentionTarget| match target {
        IntentionTarget::Any => None,
        IntentionTarget::Service(name) => Some(name.clone()),
    };
    let rule = |i: &std::sync::Arc<crate::model::Intention>| Rule {
        source: name(&i.source),
        destination: name(&i.destination),
        action: action(i.action),
    };
    snapshot.intentions().map(rule).collect()
}

pub(super) fn action(action: IntentionAction) -> Action {
    match action {
        IntentionAction::Allow => Action::Allow,
        IntentionAction::Deny => Action::Deny,
    }
}

/// What wakes those who follow the mesh's services.
pub(super) fn changes(catalog: &Catalog) -> crate::stream::Watch<crate::state::Topic> {
    catalog.watch(&TOPICS)
}

pub(super) const TOPICS: [crate::state::Topic; 2] =
    [crate::state::Topic::Services, crate::state::Topic::Checks];
