//! openraft's own tests of log stores and state machines.

use super::*;
use crate::raft::files::{Directory, StdFileSystem};
use crate::raft::memory_log::MemoryLog;
use crate::raft::segment_log::SegmentLog;
use crate::raft::snapshots::Snapshots;
use crate::raft::state_machine::StateMachine;
use crate::raft::types::{StorageError, TypeConfig};
use openraft::testing::{StoreBuilder, Suite};
use tempfile::TempDir;

fn machine(snapshots: Snapshots) -> StateMachine {
    StateMachine::restore(Arc::default(), Arc::new(snapshots)).unwrap()
}

struct InMemory;

impl StoreBuilder<TypeConfig, MemoryLog, StateMachine> for InMemory {
    async fn build(&self) -> Result<((), MemoryLog, StateMachine), StorageError> {
        Ok(((), MemoryLog::default(), machine(Snapshots::in_memory())))
    }
}

struct InFiles;

impl StoreBuilder<TypeConfig, SegmentLog, StateMachine, TempDir> for InFiles {
    async fn build(&self) -> Result<(TempDir, SegmentLog, StateMachine), StorageError> {
        let directory = TempDir::new().unwrap();
        let open = |name| Directory::open(Arc::new(StdFileSystem), directory.path().join(name)).unwrap();
        let log = SegmentLog::open(open("log"), 4096).unwrap();
        let machine = machine(Snapshots::in_files(open("snapshots")));
        Ok((directory, log, machine))
    }
}

#[test]
fn the_segment_log_and_snapshot_files_pass_the_suite() {
    Suite::test_all(InFiles).unwrap();
}

#[test]
fn the_memory_log_passes_the_suite() {
    Suite::test_all(InMemory).unwrap();
}
