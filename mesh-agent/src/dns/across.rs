use super::answer::Answer;
use crate::discovery::Prepared;
use crate::model::Datacenter;
use futures_util::future::BoxFuture;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use std::time::Duration;

/// Has servers of other datacenters answer questions about them.
pub trait Across: Send + Sync {
    /// The whole reply to a question, as a message of DNS.
    fn ask(&self, datacenter: Datacenter, question: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, Unanswered>>;
    /// What the datacenters find that a prepared query names besides this one; nothing, if they find nothing.
    fn execute(&self, query: String) -> BoxFuture<'_, Result<Option<Prepared>, Unanswered>>;
}

/// Why another datacenter gave no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error("there is no such datacenter")]
    NoSuchDatacenter,
    #[error("{reason}")]
    Failed { reason: String },
}

/// How long a client waits for another datacenter: most resolvers give up after five seconds.
const PATIENCE: Duration = Duration::from_secs(4);

/// What other datacenters find for a prepared query.
pub(super) async fn execute(across: &dyn Across, query: String) -> Result<Option<Prepared>, Unanswered> {
    let late = |_| Unanswered::Failed { reason: format!("no reply within {PATIENCE:?}") };
    let found = tokio::time::timeout(PATIENCE, across.execute(query.clone())).await.map_err(late).flatten();
    found.inspect_err(|error| tracing::warn!(query, %error, "other datacenters were not asked"))
}

/// What another datacenter says.
pub(super) async fn ask(across: &dyn Across, datacenter: Datacenter, query: &Query) -> Answer {
    let mut question = Message::new(rand::random(), MessageType::Query, OpCode::Query);
    question.add_query(query.clone());
    let Ok(question) = question.to_vec() else { return Answer::code(ResponseCode::FormErr) };
    let replied = tokio::time::timeout(PATIENCE, across.ask(datacenter.clone(), question)).await;
    let late = |_| Unanswered::Failed { reason: format!("no reply within {PATIENCE:?}") };
    match replied.map_err(late).flatten() {
        Ok(reply) => read(&reply),
        Err(Unanswered::NoSuchDatacenter) => Answer::negative(ResponseCode::NXDomain, None),
        Err(error) => {
            tracing::warn!(%datacenter, name = %query.name(), %error, "another datacenter did not answer a DNS question");
            Answer::code(ResponseCode::ServFail)
        }
    }
}

fn read(reply: &[u8]) -> Answer {
    let Ok(reply) = Message::from_vec(reply) else { return Answer::code(ResponseCode::ServFail) };
    Answer {
        code: reply.metadata.response_code,
        authoritative: true,
        answers: reply.answers,
        authorities: reply.authorities,
        additionals: reply.additionals,
    }
}
