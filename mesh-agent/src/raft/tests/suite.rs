//! openraft's own tests of log stores and state machines.

use super::*;
use crate::raft::memory_log::MemoryLog;
use crate::raft::snapshots::Snapshots;
use crate::raft::state_machine::StateMachine;
use crate::raft::types::{StorageError, TypeConfig};
use openraft::testing::{StoreBuilder, Suite};

fn machine(snapshots: Snapshots) -> StateMachine {
    StateMachine::restore(Arc::default(), Arc::new(snapshots)).unwrap()
}

struct InMemory;

impl StoreBuilder<TypeConfig, MemoryLog, StateMachine> for InMemory {
    async fn build(&self) -> Result<((), MemoryLog, StateMachine), StorageError> {
        Ok(((), MemoryLog::default(), machine(Snapshots::in_memory())))
    }
}

#[test]
fn the_memory_log_passes_the_suite() {
    Suite::test_all(InMemory).unwrap();
}
