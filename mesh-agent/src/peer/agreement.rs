use super::lead::{lead, way_to_leader};
use super::question::{Fault, LeadAnswer, LeadQuestion, method};
use crate::catalog::{Consensus, ConsensusError, Consistency, Contact, Later};
use crate::raft::RaftNode;
use crate::rpc::{Pool, RpcError};
use crate::state::{Command, Outcome};
use rand::RngExt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a server may take to apply what the leader has answered.
const APPLY: Duration = Duration::from_secs(5);
/// Between two looks for a leader, at most.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a leader that was deposed may take to answer what it was asked before.
const FAREWELL: Duration = Duration::from_secs(1);

/// A server's agreement with the others: what only the leader may do is passed on to it, and what it answered is
/// applied here before the caller hears of it.
pub struct ServerAgreement {
    raft: Arc<RaftNode>,
    /// None where a server is alone for good.
    pool: Option<Pool>,
}

/// What came of asking the leader once.
enum Asked {
    Answered(LeadAnswer),
    /// The same, and applied here.
    Applied(LeadAnswer),
    /// Nobody has taken the question.
    NotTaken,
    Failed(ConsensusError),
}

impl ServerAgreement {
    pub fn new(raft: Arc<RaftNode>, pool: Option<Pool>) -> Self {
        Self { raft, pool }
    }

    /// Asks until a leader takes the question, or the time is over.
    async fn ask(&self, mut question: impl FnMut() -> LeadQuestion) -> Result<LeadAnswer, ConsensusError> {
        let until = Instant::now() + method::PATIENCE;
        loop {
            match self.ask_once(question()).await {
                Asked::Answered(answer) => return self.applied(answer).await,
                Asked::Applied(answer) => return Ok(answer),
                Asked::Failed(error) => return Err(error),
                Asked::NotTaken if self.pool.is_none() || Instant::now() > until => {
                    return Err(ConsensusError::NoLeader);
                }
                Asked::NotTaken => {
                    let pause = PAUSE.mul_f64(rand::rng().random_range(0.5..1.0));
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn ask_once(&self, question: LeadQuestion) -> Asked {
        if self.raft.leads() {
            return match asked(lead(&self.raft, question).await) {
                // This server has led the write, and applied it to answer.
                Asked::Answered(answer) if answer.outcome.is_some() => Asked::Applied(answer),
                asked => asked,
            };
        }
        let began = Instant::now();
        let Some((leader, pool)) = way_to_leader(&self.raft, self.pool.as_ref()) else {
            return Asked::NotTaken;
        };
        match self.call(pool, leader, &question).await {
            Ok(answer) => asked(answer),
            Err(error) if !error.may_have_been_taken() || is_read(&question) => Asked::NotTaken,
            Err(error) => {
                tracing::warn!(%error, "a write was passed on to the leader, who did not answer");
                Asked::Failed(ConsensusError::Unconfirmed { waited: began.elapsed() })
            }
        }
    }

    /// A host that is gone does not say so: when another server leads, this one's answer is not waited for.
    async fn call(
        &self,
        pool: &Pool,
        leader: SocketAddr,
        question: &LeadQuestion,
    ) -> Result<Result<LeadAnswer, Fault>, RpcError> {
        let answer = pool.call(leader, method::LEAD, question, method::PATIENCE);
        let deposed = async {
            self.raft.leader_is_not(leader).await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::select! {
            answer = answer => answer,
            () = deposed => Err(RpcError::Deadline { peer: leader, method: method::LEAD, waited: FAREWELL }),
        }
    }

    async fn applied(&self, answer: LeadAnswer) -> Result<LeadAnswer, ConsensusError> {
        if self.raft.applies(answer.log, APPLY).await || answer.outcome.is_some() {
            return Ok(answer);
        }
        Err(ConsensusError::Lagging { waited: APPLY })
    }
}

fn is_read(question: &LeadQuestion) -> bool {
    matches!(question, LeadQuestion::Index(_))
}

fn asked(answer: Result<LeadAnswer, Fault>) -> Asked {
    match answer {
        Ok(answer) => Asked::Answered(answer),
        Err(Fault::NoLeader) => Asked::NotTaken,
        Err(fault) => Asked::Failed(fault.into()),
    }
}

impl Consensus for ServerAgreement {
    fn write(&self, command: Command) -> Later<'_, Result<Outcome, ConsensusError>> {
        Box::pin(async move {
            let answer = self.ask(|| LeadQuestion::Write(command.clone())).await?;
            answer.outcome.ok_or_else(|| ConsensusError::Stopped {
                reason: "the leader answered a write without its outcome; is it of another version?"
                    .to_owned(),
            })
        })
    }

    fn catch_up(&self, consistency: Consistency) -> Later<'_, Result<(), ConsensusError>> {
        Box::pin(async move {
            match consistency {
                Consistency::Stale => Ok(()),
                Consistency::Default if self.raft.leads() => Ok(()),
                _ => self.ask(|| LeadQuestion::Index(consistency.into())).await.map(drop),
            }
        })
    }

    fn is_fresh(&self, consistency: Consistency) -> bool {
        match consistency {
            Consistency::Stale => true,
            Consistency::Default => self.raft.leads(),
            Consistency::Consistent => false,
        }
    }

    /// A leader knows without a look at anything else, since it is asked at every read.
    fn contact(&self) -> Contact {
        if self.raft.leads() {
            return Contact { known_leader: true, last: Some(Duration::ZERO) };
        }
        Contact { known_leader: self.leader().is_some(), last: self.last_contact() }
    }

    fn leader(&self) -> Option<String> {
        self.raft.leader()
    }

    fn peers(&self) -> Vec<String> {
        self.raft.peers()
    }

    fn last_contact(&self) -> Option<Duration> {
        self.raft.last_contact()
    }
}
