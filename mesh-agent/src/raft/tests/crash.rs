//! What is left after a crash, a full disk, a disk that fails.

use super::*;
use crate::raft::files::simulated::SimulatedFileSystem;
use crate::state::fixtures::register_service;
use crate::state::{ListNodes, Outcome, Query};
use std::path::PathBuf;

fn on_disk() -> RaftOptions {
    RaftOptions { segment_size: 64 << 10, ..options(Storage::Directory("/raft".into())) }
}

async fn start(disk: &SimulatedFileSystem) -> Result<Server, RaftError> {
    Server::start_on(Arc::new(disk.clone()), on_disk()).await
}

async fn register(server: &Server, nodes: std::ops::Range<usize>) {
    for number in nodes {
        let command = register_service(&format!("n{number:04}"), "web", "web");
        let outcome = server.node.write(command).await.unwrap();
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    }
}

fn nodes(server: &Server) -> usize {
    ListNodes.run(&server.store.state()).len()
}

async fn failure(server: &Server) -> RaftError {
    tokio::time::timeout(DEADLINE, server.node.stopped()).await.expect("stops in time").unwrap_err()
}

#[tokio::test]
async fn acknowledged_writes_survive_a_power_loss_and_the_index_goes_on() {
    let mut disk = SimulatedFileSystem::default();
    let mut applied = 0;
    for round in 0..3 {
        let server = start(&disk).await.unwrap();
        assert_eq!(nodes(&server), round * 10);
        assert!(server.store.state().applied() >= applied);
        register(&server, round * 10..round * 10 + 10).await;
        applied = server.store.state().applied();
        // Not shut down: the next round finds what the disk had synced.
        disk = disk.after_power_loss();
    }
}

#[test]
fn a_server_that_was_dropped_without_shutdown_comes_back_on_a_real_disk() {
    let directory = tempfile::TempDir::new().unwrap();
    for round in 0..3 {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let server = Server::start(options(Storage::Directory(directory.path().into()))).await.unwrap();
            assert_eq!(nodes(&server), round * 5);
            register(&server, round * 5..round * 5 + 5).await;
        });
    }
}

#[tokio::test]
async fn a_node_that_is_dropped_leaves_its_directory_to_the_next() {
    let disk = SimulatedFileSystem::default();
    let server = start(&disk).await.unwrap();
    register(&server, 0..3).await;
    drop(server);
    let next = async {
        loop {
            match start(&disk).await {
                Ok(server) => return nodes(&server),
                // The core ends on its own time.
                Err(RaftError::Log(_)) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    assert_eq!(tokio::time::timeout(DEADLINE, next).await.unwrap(), 3);
}

#[tokio::test]
async fn a_server_that_moved_tells_its_new_address() {
    let disk = SimulatedFileSystem::default();
    let server = start(&disk).await.unwrap();
    server.stop().await;
    let moved = RaftOptions { address: "10.0.0.9:8300".parse().unwrap(), ..on_disk() };
    let server = Server::start_on(Arc::new(disk.after_power_loss()), moved).await.unwrap();
    assert_eq!(server.node.leader().as_deref(), Some("10.0.0.9:8300"));
    assert_eq!(server.node.peers(), ["10.0.0.9:8300"]);
}

#[tokio::test]
async fn a_write_whose_sync_failed_is_not_acknowledged_and_the_node_stops() {
    let disk = SimulatedFileSystem::default();
    let server = start(&disk).await.unwrap();
    register(&server, 0..3).await;
    disk.fail_syncs_after(0);
    // The disk may have it all the same, and show it after the next start.
    let unsure = server.node.write(register_service("lost", "web", "web")).await.unwrap_err();
    assert!(matches!(unsure, AgreementError::Unconfirmed { .. }), "{unsure:?}");
    let reason = failure(&server).await.to_string();
    assert!(reason.contains("cannot sync /raft/") && reason.contains("must be restarted"), "{reason}");
    let refused = server.node.write(register_service("later", "web", "web")).await;
    assert!(matches!(refused, Err(AgreementError::Stopped { .. })), "{refused:?}");
    assert_eq!(nodes(&start(&disk.after_power_loss()).await.unwrap()), 3);
}

#[tokio::test]
async fn a_full_disk_stops_the_node_and_loses_nothing() {
    let disk = SimulatedFileSystem::default();
    let server = start(&disk).await.unwrap();
    disk.fill_up_after(2000);
    let mut acknowledged = 0;
    while server.node.write(register_service(&format!("n{acknowledged}"), "web", "web")).await.is_ok() {
        acknowledged += 1;
    }
    let reason = failure(&server).await.to_string();
    assert!(reason.contains("check the disk's space"), "{reason}");
    let found = nodes(&start(&disk.after_kill()).await.unwrap());
    assert!(found >= acknowledged, "{found} of {acknowledged}");
}

/// Compacts early and keeps no entry that a snapshot has.
fn compacting() -> RaftOptions {
    RaftOptions {
        compaction: Compaction { entries: 20, bytes: u64::MAX, keep: 0 },
        segment_size: 8 << 10,
        ..on_disk()
    }
}

fn snapshots(disk: &SimulatedFileSystem) -> Vec<PathBuf> {
    let mut paths = disk.paths();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "snapshot"));
    paths
}

/// Writes until the first segment is gone: a snapshot was made, and the log before it purged.
async fn write_until_compacted(server: &Server, disk: &SimulatedFileSystem) -> usize {
    let first = PathBuf::from("/raft/0000000000000001.log");
    let mut written = 0;
    let deadline = std::time::Instant::now() + DEADLINE;
    while disk.paths().contains(&first) || snapshots(disk).len() < 2 {
        assert!(std::time::Instant::now() < deadline, "never compacted: {:?}", disk.paths());
        register(server, written..written + 1).await;
        written += 1;
    }
    written
}

#[tokio::test]
async fn a_snapshot_replaces_the_log_before_it() {
    let disk = SimulatedFileSystem::default();
    let server = Server::start_on(Arc::new(disk.clone()), compacting()).await.unwrap();
    let written = write_until_compacted(&server, &disk).await;
    server.stop().await;
    let after = disk.after_power_loss();
    let server = Server::start_on(Arc::new(after.clone()), compacting()).await.unwrap();
    assert_eq!(nodes(&server), written);
    register(&server, written..written + 5).await;
    assert!(snapshots(&after).len() <= 2, "{:?}", snapshots(&after));
}

#[tokio::test]
async fn many_bytes_are_reason_enough_for_a_snapshot() {
    let disk = SimulatedFileSystem::default();
    let mut options = compacting();
    options.compaction = Compaction { entries: u64::MAX / 2, bytes: 10_000, keep: 0 };
    let server = Server::start_on(Arc::new(disk.clone()), options).await.unwrap();
    write_until_compacted(&server, &disk).await;
}

#[tokio::test]
async fn without_the_snapshot_that_replaced_it_a_log_is_refused() {
    let disk = SimulatedFileSystem::default();
    let server = Server::start_on(Arc::new(disk.clone()), compacting()).await.unwrap();
    write_until_compacted(&server, &disk).await;
    server.stop().await;
    let disk = disk.after_power_loss();
    for path in snapshots(&disk) {
        disk.tamper(&path, |content| content[30] ^= 1);
    }
    let refused = Server::start_on(Arc::new(disk), compacting()).await.map(drop).unwrap_err();
    assert!(matches!(refused, RaftError::Gap { snapshot: 0, .. }), "{refused}");
}

#[tokio::test]
async fn a_damaged_snapshot_is_passed_over_where_the_log_reaches_back_to_the_one_before() {
    let disk = SimulatedFileSystem::default();
    let keeping = || {
        let mut options = compacting();
        options.compaction.keep = 1_000_000;
        options
    };
    let server = Server::start_on(Arc::new(disk.clone()), keeping()).await.unwrap();
    let mut written = 0;
    let deadline = std::time::Instant::now() + DEADLINE;
    while snapshots(&disk).len() < 2 {
        assert!(std::time::Instant::now() < deadline, "{:?}", disk.paths());
        register(&server, written..written + 1).await;
        written += 1;
    }
    server.stop().await;
    let disk = disk.after_power_loss();
    disk.tamper(snapshots(&disk).last().unwrap(), |content| content[30] ^= 1);
    let server = Server::start_on(Arc::new(disk), keeping()).await.unwrap();
    assert_eq!(nodes(&server), written);
}
