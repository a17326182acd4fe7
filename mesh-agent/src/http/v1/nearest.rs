use crate::http::call::Call;
use crate::model::NodeName;

/// Puts what is on the node of `?near=` first; the order is otherwise kept. `_agent` is this node.
///
/// Without network coordinates, a node is near to itself and equally far from all others.
pub fn nearest_first<T>(call: &Call, list: &mut [T], node_of: impl Fn(&T) -> &NodeName) {
    let Some(near) = call.options.near.as_deref() else { return };
    let near = if near == "_agent" { call.deps.facts.node.as_str() } else { near };
    list.sort_by_key(|item| !node_of(item).as_str().eq_ignore_ascii_case(near));
}
