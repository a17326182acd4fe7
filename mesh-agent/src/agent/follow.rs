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

    /// Registers, reads, publishes, waits; in this order no change is missed.
    pub async fn run(self, shutdown: Shutdown) {
        let topics = self.query.topics();
        let watch = self.catalog.watch(&topics);
        while !shutdown.has_begun() {
            let state = self.catalog.state();
            let seen = state.index_of(&topics);
            self.answers.send_replace(self.query.run(&state));
            tokio::select! {
                _ = watch.changed(seen) => {}
                () = shutdown.begun() => {}
            }
        }
    }
}
