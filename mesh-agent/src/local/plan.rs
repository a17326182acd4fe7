use super::maintenance::ALIVE;
use super::{LocalOptions, LocalView};
use crate::model::{CheckId, CheckStatus, HealthCheck, Node, NodeService, ServiceId};
use crate::state::{Command, Deregistration, NodeView, Registration};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Services, or checks alone, in one command: what all servers must store is not to be without bound.
const BATCH: usize = 64;

/// What differs between this node and what the catalog says of it.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Written in this order.
    pub commands: Vec<Command>,
    /// Checks of which only the output differs, and is not due yet. They are in no command.
    pub waiting: BTreeSet<CheckId>,
}

/// Compares. Pure: `due` says for which checks a change of output alone is worth a write by now.
pub(super) fn plan(
    options: &LocalOptions,
    local: &LocalView,
    known: Option<&NodeView>,
    due: impl Fn(&CheckId) -> bool,
) -> Plan {
    let node = &options.node;
    let catalog = Known::new(known);
    let services = services(options, local);
    let mut waiting = BTreeSet::new();
    let mut checks = Vec::new();
    for own in local.checks.values().map(|c| c.check.clone()).chain([alive(node)]) {
        match catalog.compare(&own) {
            Difference::None => {}
            Difference::Output if !due(&own.id) => drop(waiting.insert(own.id)),
            Difference::Output | Difference::More => checks.push(own),
        }
    }
    let node_known = known.is_some_and(|k| Node { index: k.node.index, ..node.clone() } == *k.node);
    let mut commands = removals(node, &services, local, known);
    commands.extend(registrations(node, node_known, &catalog.differing(&services), checks));
    Plan { commands, waiting }
}

/// All that this node is to have. A registration under the server's id stands in its place.
fn services<'a>(options: &'a LocalOptions, local: &'a LocalView) -> BTreeMap<&'a ServiceId, &'a NodeService> {
    let server = options.server.iter().map(|server| (&server.id, server));
    server.chain(local.services.iter().map(|(id, own)| (id, &own.service))).collect()
}

enum Difference {
    None,
    Output,
    More,
}

/// What the catalog says of this node, by id.
#[derive(Default)]
struct Known<'a> {
    services: BTreeMap<&'a ServiceId, &'a NodeService>,
    checks: BTreeMap<&'a CheckId, &'a HealthCheck>,
}

impl<'a> Known<'a> {
    fn new(view: Option<&'a NodeView>) -> Self {
        let Some(view) = view else { return Self::default() };
        Self {
            services: view.services.iter().map(|s| (&s.id, &**s)).collect(),
            checks: view.checks.iter().map(|c| (&c.id, &**c)).collect(),
        }
    }

    /// The services that the catalog does not have as they are.
    fn differing(&self, services: &BTreeMap<&ServiceId, &NodeService>) -> Vec<NodeService> {
        let known = |own: &NodeService| self.services.get(&own.id).is_some_and(|known| known.same_as(own));
        let differing = services.values().map(|own| self.as_overridden(own)).filter(|own| !known(own));
        differing.map(Cow::into_owned).collect()
    }

    /// Where the service allows it, tags that others set in the catalog stand.
    fn as_overridden<'o>(&self, own: &'o NodeService) -> Cow<'o, NodeService> {
        match self.services.get(&own.id).filter(|_| own.enable_tag_override) {
            Some(known) => Cow::Owned(NodeService { tags: known.tags.clone(), ..own.clone() }),
            None => Cow::Borrowed(own),
        }
    }

    fn compare(&self, own: &HealthCheck) -> Difference {
        let Some(known) = self.checks.get(&own.id) else { return Difference::More };
        // The catalog itself puts a service's name and tags on its checks.
        let own = HealthCheck {
            service_name: known.service_name.clone(),
            service_tags: known.service_tags.clone(),
            ..own.clone()
        };
        if known.same_as(&own) {
            Difference::None
        } else if known.same_as(&HealthCheck { output: known.output.clone(), ..own }) {
            Difference::Output
        } else {
            Difference::More
        }
    }
}

/// A service comes in one command with its checks: without them it would pass for healthy.
fn registrations(
    node: &Node,
    node_known: bool,
    services: &[NodeService],
    mut checks: Vec<HealthCheck>,
) -> Vec<Command> {
    let mut batches = Vec::new();
    for services in services.chunks(BATCH) {
        let comes = |c: &mut HealthCheck| {
            c.service_id.as_ref().is_some_and(|id| services.iter().any(|s| s.id == *id))
        };
        let with_them = checks.extract_if(.., comes).collect();
        batches.push((services.to_vec(), with_them));
    }
    batches.extend(checks.chunks(BATCH).map(|checks| (Vec::new(), checks.to_vec())));
    if batches.is_empty() && !node_known {
        batches.push(Default::default());
    }
    let command = |(services, checks)| {
        let whole = Registration { node: node.clone(), skip_node_update: false, services, checks };
        Command::Register(Box::new(whole))
    };
    batches.into_iter().map(command).collect()
}

fn removals(
    node: &Node,
    own: &BTreeMap<&ServiceId, &NodeService>,
    local: &LocalView,
    known: Option<&NodeView>,
) -> Vec<Command> {
    let Some(known) = known else { return Vec::new() };
    let remove =
        |service, check| Command::Deregister(Deregistration { node: node.name.clone(), service, check });
    let services = known.services.iter().filter(|s| !own.contains_key(&s.id));
    let services = services.map(|s| remove(Some(s.id.clone()), None));
    // The checks of a service that is gone go with it.
    let stays = |c: &HealthCheck| c.service_id.as_ref().is_none_or(|id| own.contains_key(id));
    let unknown = |c: &HealthCheck| !local.checks.contains_key(&c.id) && c.id.as_str() != ALIVE;
    let checks = known.checks.iter().filter(|c| stays(c) && unknown(c));
    services.chain(checks.map(|c| remove(None, Some(c.id.clone())))).collect()
}

fn alive(node: &Node) -> HealthCheck {
    HealthCheck {
        node: node.name.clone(),
        id: CheckId::new(ALIVE).expect("a constant that is a valid id"),
        name: "Serf Health Status".to_owned(),
        status: CheckStatus::Passing,
        notes: String::new(),
        output: "Agent alive and reachable".to_owned(),
        service_id: None,
        service_name: None,
        service_tags: Vec::new(),
        kind: String::new(),
        definition: Default::default(),
        index: Default::default(),
    }
}
