use super::{Authorizer, MeshSnapshot, compile};
use crate::catalog::Catalog;
use crate::model::IntentionAction;
use crate::state::Topic;
use crate::task::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long it waits for the servers before it says what is kept from before.
const PATIENCE: Duration = Duration::from_secs(3);

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

    /// Registered before it reads, so that no change between the two is missed. Nothing is said by the state of a
    /// node that just begins: intentions that have been made meanwhile are not in it.
    pub async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            () = self.catalog.known(PATIENCE) => {}
            () = shutdown.begun() => return,
        }
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
    use crate::catalog::fixtures::{OneVoter, catalog_over};
    use crate::intention::fixture::{intention, service};
    use crate::model::Intention;
    use crate::state::{Command, Store};
    use crate::task::TaskGroup;
    use tokio::time::{Instant, timeout};

    fn deny() -> Command {
        Command::PutIntention(Box::new(Intention::clone(&intention("web", "db", IntentionAction::Deny))))
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_said_by_what_is_known_before_a_leader_or_patience_is_at_its_end() {
        for (is_empty, leads, says) in
            [(true, false, None), (false, false, Some(PATIENCE)), (false, true, Some(Duration::ZERO))]
        {
            let store = Arc::new(Store::default());
            if !is_empty {
                store.apply(9, vec![deny()]);
            }
            let voter = OneVoter::new(store.clone());
            voter.elect(leads);
            let compiler = PolicyCompiler::new(Catalog::new(store, voter), IntentionAction::Allow);
            let mut published = compiler.subscribe();
            let (mut tasks, shutdown) = (TaskGroup::new(), Shutdown::new());
            tasks.spawn("policy", compiler.run(shutdown.clone()));
            let began = Instant::now();
            let said = timeout(PATIENCE * 10, published.wait_for(|s| s.generation() == 9)).await;
            let after = said.ok().map(|_| began.elapsed());
            let in_time = |(after, says): (Duration, Duration)| (says..says + PATIENCE / 2).contains(&after);
            assert!(after.zip(says).map_or(after.is_none() && says.is_none(), in_time), "{after:?} {says:?}");
            shutdown.begin();
            tasks.finish().await;
        }
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
