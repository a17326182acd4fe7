use crate::policy::MeshSnapshot;
use crate::proxy::ConnectionManager;
use crate::task::Shutdown;
use std::sync::Arc;
use tokio::sync::watch;

/// Asks policy again for every open connection whenever policy has changed; what is refused now is cut.
pub(super) async fn recheck(
    mut snapshots: watch::Receiver<Arc<MeshSnapshot>>,
    connections: Arc<ConnectionManager>,
    shutdown: Shutdown,
) {
    loop {
        tokio::select! {
            changed = snapshots.changed() => if changed.is_err() { return },
            () = shutdown.begun() => return,
        }
        connections.recheck();
    }
}
