use super::{Authorizer, MeshSnapshot, compile};
use crate::catalog::Catalog;
use crate::model::IntentionAction;
use crate::state::Topic;
use crate::task::Shutdown;
use std::sync::Arc;
use tokio::sync::watch;

/// Follows the intentions and publishes each new snapshot.
pub struct PolicyCompiler {
    catalog: Catalog,
    default: IntentionAction,
    authorizer: Authorizer,
    published: watch::Sender<Arc<MeshSnapshot>>,
}

impl PolicyCompiler {
    /// `default` holds where no intention matches. Until [`PolicyCompiler::run`] everything is refused.
    pub fn new(catalog: Catalog, default: IntentionAction) -> Self {
        let published = watch::Sender::new(Arc::new(MeshSnapshot::unknown()));
        Self { catalog, default, authorizer: Authorizer::new(), published }
    }

    pub fn authorizer(&self) -> Authorizer {
        self.authorizer.clone()
    }

    /// For those who act on changes, such as cutting what is no longer allowed. The authorizer already
    /// answers by a snapshot when its publication is seen here.
    pub fn subscribe(&self) -> watch::Receiver<Arc<MeshSnapshot>> {
        self.published.subscribe()
    }

    /// Registered before it reads, so that no change between the two is missed.
    pub async fn run(self, shutdown: Shutdown) {
        let topics = [Topic::Intentions];
        let watch = self.catalog.watch(&topics);
        let mut seen = 0;
        loop {
            let state = self.catalog.state();
            self.publish(compile(&state, self.default));
            seen = state.index_of(&topics).max(seen);
            tokio::select! {
                newest = watch.changed(seen) => seen = newest,
                () = shutdown.begun() => return,
            }
        }
    }

    fn publish(&self, snapshot: MeshSnapshot) {
        let snapshot = Arc::new(snapshot);
        self.authorizer.replace(snapshot.clone());
        self.published.send_replace(snapshot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures::catalog_over;
    use crate::intention::fixture::{intention, service};
    use crate::model::Intention;
    use crate::state::{Command, Store};
    use crate::task::TaskGroup;

    fn deny() -> Command {
        Command::PutIntention(Box::new(Intention::clone(&intention("web", "db", IntentionAction::Deny))))
    }

    #[tokio::test]
    async fn a_new_intention_is_in_force_once_its_snapshot_is_published() {
        let store = Arc::new(Store::default());
        let catalog = catalog_over(store.clone());
        let compiler = PolicyCompiler::new(catalog, IntentionAction::Allow);
        let (authorizer, mut published) = (compiler.authorizer(), compiler.subscribe());
        let decide = || authorizer.snapshot().decide(&service("web"), &service("db")).allowed;
        assert!(!decide(), "nothing is allowed before it runs");

        let (mut tasks, shutdown) = (TaskGroup::new(), Shutdown::new());
        tasks.spawn("policy", compiler.run(shutdown.clone()));
        published.wait_for(|s| s.generation() > 0).await.unwrap();
        assert!(decide());

        store.apply(9, vec![deny()]);
        published.wait_for(|s| s.generation() == 9).await.unwrap();
        assert!(!decide());

        shutdown.begin();
        tasks.finish().await;
    }
}
