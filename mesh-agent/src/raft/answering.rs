use super::message::{Envelope, Message, Reply};
use super::pulse::Pulse;
use super::types::{NodeId, Raft};
use openraft::ServerState;
use openraft::raft::AppendEntriesResponse;
use std::sync::Arc;
use std::time::Duration;

/// Answers what other servers ask.
#[derive(Clone)]
pub(super) struct Answering {
    pub(super) raft: Raft,
    pub(super) pulse: Arc<Pulse>,
    pub(super) id: NodeId,
    /// After so long without a leader this server misses it.
    pub(super) missed_after: Duration,
}

impl Answering {
    pub(super) async fn answer(&self, envelope: Envelope) -> Reply {
        if envelope.to != self.id {
            return Reply::NotHere;
        }
        match envelope.message {
            Message::Append(request) => {
                let answer = self.raft.append_entries(request).await;
                if matches!(&answer, Ok(answer) if !matches!(answer, AppendEntriesResponse::HigherVote(_))) {
                    self.pulse.leader_heard();
                }
                Reply::Append(answer)
            }
            Message::Snapshot(request) => {
                let answer = self.raft.install_snapshot(request).await;
                if answer.is_ok() {
                    self.pulse.leader_heard();
                }
                Reply::Snapshot(answer)
            }
            Message::Vote(request) => {
                let answer = self.raft.vote(request).await;
                if matches!(&answer, Ok(answer) if answer.vote_granted) {
                    self.pulse.restart();
                }
                Reply::Vote(answer)
            }
            Message::Canvass => Reply::Canvass(self.misses_the_leader()),
            Message::Campaign => Reply::Campaign(self.raft.trigger().elect().await.is_ok()),
        }
    }

    fn misses_the_leader(&self) -> bool {
        let leads = self.raft.metrics().borrow().state == ServerState::Leader;
        !leads && self.pulse.quiet_for() >= self.missed_after
    }
}
