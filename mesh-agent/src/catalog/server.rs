use super::facade::{Consensus, ConsensusError, Consistency, Later};
use crate::raft::{AgreementError, RaftNode};
use crate::state::{Command, Outcome};
use std::time::Duration;

/// A server agrees through Raft.
impl Consensus for RaftNode {
    fn write(&self, command: Command) -> Later<'_, Result<Outcome, ConsensusError>> {
        Box::pin(async move { Ok(Self::write(self, command).await?) })
    }

    fn catch_up(&self, consistency: Consistency) -> Later<'_, Result<(), ConsensusError>> {
        Box::pin(async move {
            match consistency {
                Consistency::Stale => Ok(()),
                Consistency::Default if Self::leader(self).is_some() => Ok(()),
                Consistency::Default => Err(ConsensusError::NoLeader),
                Consistency::Consistent => Ok(Self::confirm_leadership(self).await.map(drop)?),
            }
        })
    }

    fn leader(&self) -> Option<String> {
        Self::leader(self)
    }

    fn peers(&self) -> Vec<String> {
        Self::peers(self)
    }

    fn last_contact(&self) -> Option<Duration> {
        Self::leader(self).map(|_| Duration::ZERO)
    }
}

impl From<AgreementError> for ConsensusError {
    fn from(error: AgreementError) -> Self {
        match error {
            AgreementError::NotLeader => Self::NoLeader,
            AgreementError::Unconfirmed { waited } => Self::Unconfirmed { waited },
            AgreementError::Stopped { reason } => Self::Stopped { reason },
        }
    }
}
