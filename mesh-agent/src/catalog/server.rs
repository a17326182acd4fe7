use super::facade::{Consensus, ConsensusError, Later};
use crate::raft::{AgreementError, RaftNode};
use crate::state::{Command, Outcome};

/// A server agrees through Raft.
impl Consensus for RaftNode {
    fn write(&self, command: Command) -> Later<'_, Result<Outcome, ConsensusError>> {
        Box::pin(async move { Ok(Self::write(self, command).await?) })
    }

    fn confirm_leadership(&self) -> Later<'_, Result<(), ConsensusError>> {
        Box::pin(async move { Ok(Self::confirm_leadership(self).await?) })
    }

    fn leader(&self) -> Option<String> {
        Self::leader(self)
    }

    fn peers(&self) -> Vec<String> {
        Self::peers(self)
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
