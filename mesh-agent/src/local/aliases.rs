use super::LocalState;
use crate::catalog::Catalog;
use crate::health::{AliasSource, AliasTarget};
use crate::model::{HealthCheck, NodeName};
use crate::state::{GetNode, Query};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Other checks, as aliases follow them: this node's from the local state, others' from the catalog.
pub(super) struct Aliases {
    local: Arc<LocalState>,
    catalog: Catalog,
}

impl Aliases {
    pub fn new(local: Arc<LocalState>, catalog: Catalog) -> Self {
        Self { local, catalog }
    }

    fn elsewhere<'a>(&self, target: &'a AliasTarget) -> Option<&'a NodeName> {
        target.node.as_ref().filter(|node| node.folded() != self.local.options().node.name.folded())
    }

    fn here(&self, target: &AliasTarget) -> Option<Vec<Arc<HealthCheck>>> {
        let view = self.local.view();
        let known = target.service.as_ref().is_none_or(|id| view.services.contains_key(id));
        let checks = view.checks.values().map(|c| &c.check).filter(|c| bears(c, target));
        known.then(|| checks.map(|c| Arc::new(c.clone())).collect())
    }

    fn there(&self, node: &NodeName, target: &AliasTarget) -> Option<Vec<Arc<HealthCheck>>> {
        let view = GetNode(node.clone()).run(&self.catalog.state())?;
        let known = target.service.as_ref().is_none_or(|id| view.services.iter().any(|s| s.id == *id));
        known.then(|| view.checks.into_iter().filter(|c| bears(c, target)).collect())
    }
}

/// A node's own checks bear on all its services.
fn bears(check: &HealthCheck, target: &AliasTarget) -> bool {
    check.service_id.is_none() || check.service_id == target.service
}

impl AliasSource for Aliases {
    fn checks(&self, target: &AliasTarget) -> Option<Vec<Arc<HealthCheck>>> {
        match self.elsewhere(target) {
            Some(node) => self.there(node, target),
            None => self.here(target),
        }
    }

    fn changed(&self, target: &AliasTarget) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let Some(node) = self.elsewhere(target) else {
            let mut generation = self.local.generation();
            return Box::pin(async move { drop(generation.changed().await) });
        };
        let watch = self.catalog.watch(&GetNode(node.clone()).topics());
        let seen = watch.newest();
        Box::pin(async move {
            watch.changed(seen).await;
        })
    }
}
