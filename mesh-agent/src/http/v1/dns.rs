use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;

/// The longest message of DNS.
pub const MOST: usize = 65_535;

/// Answers a question of DNS that came from another datacenter, as a message of DNS.
pub async fn answer(call: Call) -> Answered {
    let answered = call.deps.names.answer(call.body.to_vec()).await;
    let reply =
        answered.ok_or_else(|| ApiError::bad_request("this is no question about a name of the mesh"))?;
    Ok(Answer::bytes(reply.into()))
}
