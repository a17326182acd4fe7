use crate::catalog::Catalog;
use crate::state::Query;
use crate::task::Shutdown;
use tokio::sync::watch;

/// Keeps the newest answer to one query in a watch channel.
pub(super) struct Follower<Q: Query> {
    catalog: Catalog,
    query: Q,
    answers: watch::Sender<Q::Output>,
}

impl<Q: Query> Follower<Q>
where
    Q::Output: Sync,
{
    pub fn new(catalog: Catalog, query: Q) -> Self {
        let (answers, _) = watch::channel(query.run(&catalog.state()));
        Self { catalog, query, answers }
    }

    pub fn subscribe(&self) -> watch::Receiver<Q::Output> {
        self.answers.subscribe()
    }

    /// Registers, reads, publishes, waits; in this order no change is missed. What was published may have a higher index
    /// than the topics have, as a view's first state does: who did not go on from there would never wait again.
    pub async fn run(self, shutdown: Shutdown) {
        let topics = self.query.topics();
        let watch = self.catalog.watch(&topics);
        let mut seen = 0;
        while !shutdown.has_begun() {
            let state = self.catalog.state();
            seen = state.index_of(&topics).max(seen);
            self.answers.send_replace(self.query.run(&state));
            tokio::select! {
                newest = watch.changed(seen) => seen = newest,
                () = shutdown.begun() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures::catalog_over;
    use crate::state::{Command, GetCa, Store};
    use crate::task::TaskGroup;
    use std::sync::Arc;
    use std::time::Duration;

    /// On a thread of its own: one that never waits would hold this one up as well.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_is_woken_with_a_higher_index_than_the_topic_has_waits_again() {
        let store = Arc::new(Store::default());
        let later = Store::default();
        later.apply(70, vec![Command::PutCoordinates(vec![])]);
        let follower = Follower::new(catalog_over(store.clone()), GetCa);
        let mut answers = follower.subscribe();
        let (mut tasks, shutdown) = (TaskGroup::new(), Shutdown::new());
        tasks.spawn("follower", follower.run(shutdown.clone()));
        answers.changed().await.unwrap();

        store.restore(&later.state().snapshot().unwrap()).unwrap();
        answers.changed().await.unwrap();
        let again = async {
            for _ in 0..100 {
                answers.changed().await.unwrap();
            }
        };
        assert!(
            tokio::time::timeout(Duration::from_millis(500), again).await.is_err(),
            "it goes round and round"
        );
        shutdown.begin();
        tasks.finish().await;
    }
}
