use crate::http::call::Call;
use crate::local::LocalView;

/// Waits, where the caller gave a `?hash=`, until something else has its place; no longer than it asked.
pub async fn wait_for_other_hash(call: &Call, hash: impl Fn(&LocalView) -> Option<String>) {
    let Some(known) = &call.options.hash else { return };
    let mut generation = call.deps.local.generation();
    let changed = async {
        loop {
            // Marked as seen before the view is read, so that no change between the two is missed.
            generation.mark_unchanged();
            if hash(&call.deps.local.view()).as_ref() != Some(known) || generation.changed().await.is_err() {
                return;
            }
        }
    };
    // A time-out is an ordinary answer: the same as before.
    let _ = tokio::time::timeout(call.patience(), changed).await;
}
