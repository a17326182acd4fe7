use crate::http::call::Call;
use crate::model::NodeName;
use std::time::Duration;

/// Puts what is near the node of `?near=` first; `_agent` is the node whose agent was asked. Of equals the order is
/// kept, and who has no place comes last.
pub fn nearest_first<T>(call: &Call, list: &mut [T], node_of: impl Fn(&T) -> &NodeName) {
    sort(call, call.options.near.as_deref().unwrap_or_default(), list, node_of);
}

/// The same for a node that is named otherwise; an empty name sorts nothing.
pub fn sort<T>(call: &Call, near: &str, list: &mut [T], node_of: impl Fn(&T) -> &NodeName) {
    let near = if near == "_agent" { Some(call.origin.clone()) } else { NodeName::new(near).ok() };
    let Some(near) = near else { return };
    let state = call.deps.catalog.state();
    list.sort_by_cached_key(|item| state.distance(&near, node_of(item)).unwrap_or(Duration::MAX));
}
