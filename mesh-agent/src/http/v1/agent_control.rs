use super::service_write::{enable, reason};
use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;

/// Reads the configuration again.
pub async fn reload(call: Call) -> Answered {
    call.deps.control.reload().await.map_err(ApiError::internal)?;
    Ok(Answer::empty())
}

pub async fn leave(call: Call) -> Answered {
    call.deps.control.leave().await.map_err(ApiError::internal)?;
    Ok(Answer::empty())
}

/// Takes everything on this node out of rotation, or puts it back.
pub async fn maintenance(call: Call) -> Answered {
    call.enforce(Access::NODE_WRITE, call.deps.facts.node.as_str())?;
    let enable = enable(&call)?;
    call.deps.local.set_node_maintenance(reason(&call, enable))?;
    Ok(Answer::empty())
}

/// The agent's own tokens. Without ACLs there is nothing that they could do.
pub async fn token(call: Call) -> Answered {
    let which = call.named("token name")?;
    if !call.deps.tokens.enabled() {
        return Err(ApiError::AclDisabled);
    }
    Err(ApiError::Unsupported { reason: format!("the token {which:?} can be set in the configuration only") })
}
