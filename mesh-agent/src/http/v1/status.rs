use crate::http::answer::Answered;
use crate::http::call::Call;

/// The leader's RPC address, or an empty text while there is none.
pub async fn leader(call: Call) -> Answered {
    call.json_answer(&call.deps.catalog.leader().unwrap_or_default())
}

pub async fn peers(call: Call) -> Answered {
    call.json_answer(&call.deps.catalog.peers())
}
