use super::types::Raft;
use super::window::SharedWindow;
use crate::task::Shutdown;

/// Keeps the log short, and ends the Raft core in order.
pub(super) struct Keeper {
    pub(super) raft: Raft,
    pub(super) window: SharedWindow,
    /// Take a snapshot once the log has grown by so many bytes.
    pub(super) snapshot_after: u64,
}

impl Keeper {
    pub(super) async fn run(self, shutdown: Shutdown) {
        let mut progress = self.raft.data_metrics();
        loop {
            tokio::select! {
                () = shutdown.begun() => break,
                changed = progress.changed() => if changed.is_err() { break },
            }
            let snapshot = progress.borrow_and_update().snapshot.map_or(0, |id| id.index);
            self.compact(snapshot).await;
        }
        if let Err(error) = self.raft.shutdown().await {
            tracing::error!(%error, "the Raft core ended abnormally");
        }
    }

    /// Asked for while a snapshot is being made, another is not begun.
    async fn compact(&self, snapshot: u64) {
        if self.window.bytes_after(snapshot) >= self.snapshot_after {
            // Fails only where the core has stopped, which `RaftNode::stopped` tells.
            let _ = self.raft.trigger().snapshot().await;
        }
    }
}
