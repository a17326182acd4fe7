//! Owned tasks and orderly shutdown: whoever spawns a task awaits it.
//!
//! It does not know what the tasks do.

mod attention;
mod awake;
mod bell;
mod expectation;
mod workers;

pub use attention::attended;
pub use expectation::expected;
pub use workers::Workers;

use std::future::Future;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Tells a task to finish what it holds and return.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    /// Everybody who waits on this one, or on a child of it, is told.
    pub fn begin(&self) {
        self.0.cancel();
    }

    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Begins with this one, and can begin alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }

    /// Completes when shutdown begins.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }

    /// The same, as a future that borrows nothing.
    pub fn begun_owned(&self) -> WaitForCancellationFutureOwned {
        self.0.clone().cancelled_owned()
    }
}

/// Tasks with names. Dropping the group aborts what still runs.
#[derive(Debug, Default)]
pub struct TaskGroup {
    tasks: JoinSet<&'static str>,
}

/// How a task of a group ended.
#[derive(Debug, thiserror::Error)]
#[error("a task ended abnormally: {source}")]
pub struct TaskError {
    #[source]
    source: JoinError,
}

impl TaskGroup {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(named(name, task));
    }

    /// The same on another runtime.
    pub fn spawn_on(
        &mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
        runtime: &Handle,
    ) {
        self.tasks.spawn_on(named(name, task), runtime);
    }

    /// The name of the next task that ended; `None` once there is none.
    ///
    /// # Errors
    /// The task panicked.
    pub async fn next_ended(&mut self) -> Option<Result<&'static str, TaskError>> {
        let ended = self.tasks.join_next().await?;
        Some(ended.map_err(|source| TaskError { source }))
    }

    /// Forgets tasks that have ended, so that a long-lived group does not grow; a panic is logged.
    pub fn reap(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a task ended abnormally");
            }
        }
    }

    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Waits for all of them.
    pub async fn finish(mut self) {
        while let Some(ended) = self.next_ended().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task ended abnormally");
            }
        }
    }
}

async fn named(name: &'static str, task: impl Future<Output = ()>) -> &'static str {
    task.await;
    name
}
