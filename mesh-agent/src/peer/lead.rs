use super::question::{Fault, LeadAnswer, LeadQuestion, ReadConsistency};
use crate::catalog::ConsensusError;
use crate::raft::{AgreementError, RaftNode};
use crate::rpc::Pool;
use crate::state::Command;
use std::net::SocketAddr;

/// The leader's address with what to call it by; nothing while no other server is known to lead.
pub fn way_to_leader<'a>(raft: &RaftNode, pool: Option<&'a Pool>) -> Option<(SocketAddr, &'a Pool)> {
    Some((raft.leader()?.parse().ok()?, pool?))
}

/// What only the leader does; another server says that it does not lead.
pub(super) async fn lead(raft: &RaftNode, question: LeadQuestion) -> Result<LeadAnswer, Fault> {
    let answer = match question {
        LeadQuestion::Write(command) => write(raft, command).await,
        LeadQuestion::Index(consistency) => index(raft, consistency).await,
    };
    answer.map_err(|error| ConsensusError::from(error).into())
}

async fn write(raft: &RaftNode, command: Command) -> Result<LeadAnswer, AgreementError> {
    let (outcome, log) = raft.write_at(command).await?;
    Ok(LeadAnswer { outcome: Some(outcome), log })
}

async fn index(raft: &RaftNode, consistency: ReadConsistency) -> Result<LeadAnswer, AgreementError> {
    if !raft.leads() {
        return Err(AgreementError::NotLeader);
    }
    let log = match consistency {
        ReadConsistency::Consistent => raft.confirm_leadership().await?,
        ReadConsistency::Default | ReadConsistency::Stale => raft.committed_log().await?,
    };
    Ok(LeadAnswer { outcome: None, log })
}
