use super::identity::IdentityJoin;
use crate::leaf::{LeafError, LeafManager};
use crate::model::ServiceName;
use crate::proxy::IdentityFeed;
use crate::state::CaView;
use crate::task::{Shutdown, TaskGroup};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::watch;

/// The identities of some services of this host: one feed for each, however many listeners read it.
pub(super) struct Identities {
    leaf: Arc<LeafManager>,
    ca: watch::Receiver<CaView>,
    feeds: HashMap<ServiceName, IdentityFeed>,
    tasks: TaskGroup,
}

impl Identities {
    pub fn new(leaf: Arc<LeafManager>, ca: watch::Receiver<CaView>) -> Self {
        Self { leaf, ca, feeds: HashMap::new(), tasks: TaskGroup::new() }
    }

    /// # Errors
    /// No more leaves are kept.
    pub async fn feed(
        &mut self,
        service: &ServiceName,
        shutdown: &Shutdown,
    ) -> Result<IdentityFeed, LeafError> {
        if let Some(feed) = self.feeds.get(service) {
            return Ok(feed.clone());
        }
        let (join, feed) = IdentityJoin::new(self.leaf.get(service).await?, self.ca.clone());
        self.tasks.spawn("identity", join.run(shutdown.clone()));
        self.feeds.insert(service.clone(), feed.clone());
        Ok(feed)
    }

    /// Forgets those that nobody needs any more.
    pub fn keep(&mut self, needed: impl Fn(&ServiceName) -> bool) {
        self.feeds.retain(|service, _| needed(service));
        self.tasks.reap();
    }

    pub async fn finish(mut self) {
        self.feeds.clear();
        self.tasks.finish().await;
    }
}
