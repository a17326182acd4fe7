use super::{LocalState, LocalView};
use crate::catalog::{Catalog, CatalogError};
use crate::model::{CheckId, CheckStatus, HealthCheck, Node};
use crate::state::{Command, Deregistration, GetNode, NodeView, Query, Registration};
use crate::task::Shutdown;
use std::sync::Arc;
use std::time::Duration;

/// The check that says that this node's agent is alive; clients and DNS expect it on every node.
const ALIVE: &str = "serfHealth";

/// What has to be written so that the catalog says of this node what the node says.
/// `outputs`: a check whose output alone differs is written too.
pub(super) fn plan(node: &Node, local: &LocalView, known: Option<&NodeView>, outputs: bool) -> Vec<Command> {
    removals(node, local, known).into_iter().chain(registration(node, local, known, outputs)).collect()
}

fn registration(node: &Node, local: &LocalView, known: Option<&NodeView>, outputs: bool) -> Option<Command> {
    let services: Vec<_> = local
        .services
        .values()
        .map(|s| &s.service)
        .filter(|own| known.is_none_or(|k| !k.services.iter().any(|s| s.id == own.id && s.same_as(own))))
        .cloned()
        .collect();
    let checks: Vec<_> = local
        .checks
        .values()
        .map(|c| c.check.clone())
        .chain([alive(node)])
        .filter(|own| known.is_none_or(|k| !k.checks.iter().any(|c| same_check(c, own, outputs))))
        .collect();
    let node_known = known.is_some_and(|k| Node { index: k.node.index, ..node.clone() } == *k.node);
    let nothing = node_known && services.is_empty() && checks.is_empty();
    let whole = Registration { node: node.clone(), skip_node_update: false, services, checks };
    (!nothing).then(|| Command::Register(Box::new(whole)))
}

fn same_check(known: &HealthCheck, own: &HealthCheck, outputs: bool) -> bool {
    if outputs {
        return known.same_as(own);
    }
    known.same_as(&HealthCheck { output: known.output.clone(), ..own.clone() })
}

fn removals(node: &Node, local: &LocalView, known: Option<&NodeView>) -> Vec<Command> {
    let Some(known) = known else { return Vec::new() };
    let remove =
        |service, check| Command::Deregister(Deregistration { node: node.name.clone(), service, check });
    let services = known.services.iter().filter(|s| !local.services.contains_key(&s.id));
    let services = services.map(|s| remove(Some(s.id.clone()), None));
    // The checks of a service that is gone go with it.
    let kept = |c: &&Arc<HealthCheck>| c.service_id.as_ref().is_none_or(|id| local.services.contains_key(id));
    let checks = known
        .checks
        .iter()
        .filter(kept)
        .filter(|c| !local.checks.contains_key(&c.id) && c.id.as_str() != ALIVE);
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

/// Keeps the catalog equal to the local state, whichever of the two changed.
pub struct StateSyncer {
    local: Arc<LocalState>,
    catalog: Catalog,
}

/// How long a failed round rests, and at most.
const RETRY: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(15);

impl StateSyncer {
    pub fn new(local: Arc<LocalState>, catalog: Catalog) -> Self {
        Self { local, catalog }
    }

    /// A change here is written at once; everything, with outputs, is compared at every interval.
    pub async fn run(self, shutdown: Shutdown) {
        let mut generation = self.local.generation();
        let mut retry = RETRY;
        let mut outputs = true;
        while !shutdown.has_begun() {
            generation.borrow_and_update();
            let rest = match self.sync(outputs).await {
                Ok(()) => {
                    retry = RETRY;
                    self.splayed_interval()
                }
                Err(error) => {
                    tracing::warn!(%error, ?retry, "this node's registrations could not be written; trying again");
                    let rest = retry;
                    retry = (retry * 2).min(RETRY_MAX);
                    rest
                }
            };
            outputs = tokio::select! {
                _ = generation.changed() => false,
                () = tokio::time::sleep(rest) => true,
                () = shutdown.begun() => false,
            };
        }
    }

    /// Spread, so that agents that started together do not all come at once.
    fn splayed_interval(&self) -> Duration {
        self.local.options().sync_interval.mul_f64(1.0 + rand::random::<f64>())
    }

    /// One round: compare, write what differs.
    ///
    /// # Errors
    /// There is no leader, or the state machine refused a registration.
    pub async fn sync(&self, outputs: bool) -> Result<(), CatalogError> {
        let node = &self.local.options().node;
        let known = GetNode(node.name.clone()).run(&self.catalog.state());
        for command in plan(node, &self.local.view(), known.as_ref(), outputs) {
            self.catalog.write(command).await?;
        }
        Ok(())
    }

    /// Takes this node out of the catalog: it leaves.
    ///
    /// # Errors
    /// There is no leader.
    pub async fn leave(&self) -> Result<(), CatalogError> {
        let node = self.local.options().node.name.clone();
        let command = Command::Deregister(Deregistration { node, service: None, check: None });
        self.catalog.write(command).await.map(|_| ())
    }
}
