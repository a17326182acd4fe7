use crate::catalog::Catalog;
use crate::dataplane::workload::Instance;
use crate::dataplane::{Accelerate, Guarded, MeshService, Rule, Server, Wishes};
use crate::discovery::{CatalogReader, Endpoint, Health, Reach};
use crate::local::{LocalView, ProxyAssignment};
use crate::model::{IntentionAction, IntentionTarget, NodeName, NodeService, ServiceKind, ServiceName};
use crate::policy::MeshSnapshot;
use crate::state::State;
use mesh_common::Action;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The services that are registered here, proxies apart.
pub(super) fn instances(view: &LocalView) -> Vec<Instance> {
    let services = view.services.values().map(|local| &local.service);
    let apps = services.filter(|service| service.kind == ServiceKind::Typical);
    apps.map(|s| Instance::new(s.name.clone(), &s.meta, Some(listens(s)))).collect()
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

/// The services of the mesh, with their healthy instances on this node.
/// `fast` says whether they are accelerated that leave it to the agent.
pub(super) fn services(
    state: &State,
    node: &NodeName,
    proxies: &[ProxyAssignment],
    fast: bool,
) -> Vec<MeshService> {
    let service = |(name, virtual_ip): (&ServiceName, &Ipv4Addr)| {
        let here = |reach| -> Vec<Endpoint> {
            let all = state.instances(name, reach).into_iter();
            all.filter(|e| e.node.name.folded() == node.folded() && Health::OnlyPassing.accepts(e.status))
                .collect()
        };
        let (through, direct) = (here(Reach::Mesh), here(Reach::Direct));
        let live = |proxy: &&ProxyAssignment| through.iter().any(|e| e.service.id == proxy.proxy.id);
        let servers = proxies.iter().filter(live).filter_map(|proxy| server(proxy, &direct)).collect();
        let wishes: Vec<_> = direct.iter().map(|endpoint| Wishes::of(&endpoint.service.meta)).collect();
        let strict = wishes.iter().any(|wishes| wishes.strict);
        let fast = wishes.iter().all(|wishes| match wishes.accelerate {
            None | Some(Accelerate::Auto) => fast,
            Some(wish) => wish == Accelerate::On,
        });
        MeshService { name: name.clone(), virtual_ip: *virtual_ip, servers, strict, fast }
    };
    state.virtual_ips().map(service).collect()
}

fn server(proxy: &ProxyAssignment, direct: &[Endpoint]) -> Option<Server> {
    let app = proxy.app.parse().ok()?;
    let id = proxy.proxy.proxy.as_ref()?.destination_id.as_ref();
    let endpoint = direct.iter().find(|e| Some(&e.service.id) == id);
    let address = endpoint.and_then(|e| Some(SocketAddr::new(e.address().parse().ok()?, e.service.port)));
    Some(Server { app, address: address.unwrap_or(app) })
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
