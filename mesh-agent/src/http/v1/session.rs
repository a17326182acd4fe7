use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::model::{self, NodeName, SessionId};
use crate::state::{Command, GetSession, ListSessions, Query};
use crate::wire::{Created, Session, SessionRequest};
use std::sync::Arc;

/// The agent chooses the id; without a body, everything has its default.
pub async fn create(call: Call) -> Answered {
    let wanted = if call.body.is_empty() { SessionRequest::default() } else { call.json()? };
    let id = SessionId::new_v4();
    let session = wanted.into_model(id, &call.deps.facts.node)?;
    call.enforce(Access::SESSION_WRITE, session.node.as_str())?;
    call.deps.catalog.write(Command::CreateSession(Box::new(session))).await?;
    call.json_answer(&Created { id: id.to_string() })
}

/// What has ended already is no error.
pub async fn destroy(call: Call) -> Answered {
    if let Some(session) = existing(&call)? {
        call.enforce(Access::SESSION_WRITE, session.node.as_str())?;
        call.deps.catalog.write(Command::EndSession(session.id)).await?;
    }
    call.json_answer(&true)
}

/// Its time begins anew.
pub async fn renew(call: Call) -> Answered {
    let Some(session) = existing(&call)? else {
        return Err(ApiError::not_found(format!("Session id '{}' not found", call.name)));
    };
    call.enforce(Access::SESSION_WRITE, session.node.as_str())?;
    call.deps.sessions.renew(&session);
    call.json_answer(&[Session::from(&*session)])
}

pub async fn info(call: Call) -> Answered {
    let id = id(&call)?;
    let reply = call.read(&GetSession(id.unwrap_or_default())).await?;
    let shown = reply.map(|session| shown(&call, session));
    call.read_answer(&shown, None)
}

pub async fn list(call: Call) -> Answered {
    listed(&call, None).await
}

pub async fn node(call: Call) -> Answered {
    let node = NodeName::new(call.named("node name")?)?;
    listed(&call, Some(node)).await
}

async fn listed(call: &Call, node: Option<NodeName>) -> Answered {
    let shown = call.read(&ListSessions(node)).await?.map(|sessions| shown(call, sessions));
    call.read_answer(&shown, None)
}

/// Those that the caller may see, for the wire.
fn shown(call: &Call, sessions: impl IntoIterator<Item = Arc<model::Session>>) -> Vec<Session> {
    let sees = |s: &Arc<model::Session>| call.enforce(Access::SESSION_READ, s.node.as_str()).is_ok();
    sessions.into_iter().filter(sees).map(|session| Session::from(&*session)).collect()
}

fn existing(call: &Call) -> Result<Option<Arc<model::Session>>, ApiError> {
    Ok(id(call)?.and_then(|id| GetSession(id).run(&call.deps.catalog.state())))
}

/// The id in the path. What is no id names no session.
fn id(call: &Call) -> Result<Option<SessionId>, ApiError> {
    Ok(call.named("session")?.parse().ok())
}
