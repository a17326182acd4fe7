use super::*;
use crate::raft::files::simulated::SimulatedFileSystem;
use crate::raft::files::{FileSystem, StdFileSystem};
use crate::raft::types::Batch;
use crate::state::fixtures::register_service;
use openraft::storage::RaftLogStorageExt;
use openraft::{CommittedLeaderId, EntryPayload};
use rand::{RngExt, SeedableRng};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SEGMENT: u64 = 4096;

fn open_on(system: impl FileSystem) -> Result<SegmentLog, LogError> {
    SegmentLog::open(Directory::open(Arc::new(system), "/log".into()).unwrap(), SEGMENT)
}

fn open(disk: &SimulatedFileSystem) -> SegmentLog {
    open_on(disk.clone()).unwrap()
}

fn refusal(disk: &SimulatedFileSystem) -> LogError {
    open_on(disk.clone()).map(drop).unwrap_err()
}

fn path(segment: u64) -> PathBuf {
    Path::new("/log").join(segment::SegmentNumber(segment).file_name())
}

fn id(term: u64, index: u64) -> LogId {
    LogId::new(CommittedLeaderId::new(term, 1), index)
}

fn entry(term: u64, index: u64) -> Entry {
    let commands = [register_service(&format!("node-{index}"), "web", "web")];
    Entry { log_id: id(term, index), payload: EntryPayload::Normal(Batch(commands.into())) }
}

/// Appends one by one, each acknowledged before the next.
async fn fill(log: &mut SegmentLog, indexes: impl IntoIterator<Item = u64>) {
    for index in indexes {
        log.blocking_append([entry(1, index)]).await.unwrap();
    }
}

async fn ids(log: &mut SegmentLog) -> Vec<LogId> {
    log.try_get_log_entries(..).await.unwrap().iter().map(|entry| entry.log_id).collect()
}

fn first_term(indexes: std::ops::Range<u64>) -> Vec<LogId> {
    indexes.map(|index| id(1, index)).collect()
}

/// Where the records of a segment begin, and where the last one ends.
fn boundaries(segment: u64, content: &[u8]) -> Vec<usize> {
    let mut places = vec![segment::HEAD];
    while let Some(record) = record::decode(segment, content, places[places.len() - 1]) {
        places.push(record.end);
    }
    places
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_power_loss() {
    let disk = SimulatedFileSystem::default();
    let mut log = open(&disk);
    log.save_vote(&Vote::new_committed(3, 1)).await.unwrap();
    fill(&mut log, 0..50).await;
    let mut log = open(&disk.after_power_loss());
    assert_eq!(ids(&mut log).await, first_term(0..50));
    assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new_committed(3, 1)));
    fill(&mut log, 50..55).await;
    assert_eq!(ids(&mut log).await, first_term(0..55));
}

#[tokio::test]
async fn commands_come_back_as_they_were() {
    let disk = SimulatedFileSystem::default();
    fill(&mut open(&disk), 0..1).await;
    let read = open(&disk).try_get_log_entries(..).await.unwrap();
    assert_eq!(format!("{:?}", read[0].payload), format!("{:?}", entry(1, 0).payload));
}

#[tokio::test]
async fn a_tail_torn_at_any_byte_is_cut_and_the_log_goes_on() {
    let disk = SimulatedFileSystem::default();
    fill(&mut open(&disk), 0..5).await;
    let whole = disk.content(&path(1));
    let places = boundaries(1, &whole);
    let (start, end) = (places[4], places[5]);
    for cut in start..end {
        let torn = disk.after_kill();
        torn.tamper(&path(1), |content| content[cut..end].fill(0));
        let complete = whole[cut..end].iter().all(|byte| *byte == 0);
        let kept = if complete { 5 } else { 4 };
        let mut log = open(&torn);
        assert_eq!(ids(&mut log).await, first_term(0..kept), "cut at {cut}");
        fill(&mut log, kept..7).await;
        drop(log);
        assert_eq!(ids(&mut open(&torn)).await, first_term(0..7), "cut at {cut}");
    }
}

#[tokio::test]
async fn a_middle_damaged_at_any_byte_is_refused_and_the_message_says_where() {
    let disk = SimulatedFileSystem::default();
    fill(&mut open(&disk), 0..6).await;
    let whole = disk.content(&path(1));
    let places = boundaries(1, &whole);
    let record = record::decode(1, &whole, places[2]).unwrap();
    let padding = places[2] + 24 + record.payload.len();
    for at in places[2]..padding {
        let damaged = disk.after_kill();
        damaged.tamper(&path(1), |content| content[at] ^= 0x10);
        match refusal(&damaged) {
            LogError::Damaged { path: found, offset, .. } => {
                assert_eq!((found, offset), (path(1), places[2]), "byte {at}");
            }
            other => panic!("byte {at}: {other}"),
        }
    }
}

#[tokio::test]
async fn a_refusal_names_file_offset_and_remedy() {
    let disk = SimulatedFileSystem::default();
    fill(&mut open(&disk), 0..6).await;
    disk.tamper(&path(1), |content| content[40] ^= 1);
    let message = refusal(&disk).to_string();
    for part in ["/log/0000000000000001.log", "at byte 16", "record 0 is broken", "Restore", "remove it"] {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[tokio::test]
async fn a_write_after_a_torn_one_of_the_same_group_is_cut_too() {
    let disk = SimulatedFileSystem::default();
    let mut log = open(&disk);
    fill(&mut log, 0..3).await;
    // One group of two records: the disk kept only the second.
    log.blocking_append([entry(1, 3), entry(1, 4)]).await.unwrap();
    drop(log);
    let places = boundaries(1, &disk.content(&path(1)));
    disk.tamper(&path(1), |content| content[places[3]..places[4]].fill(0));
    let mut log = open(&disk);
    assert_eq!(ids(&mut log).await, first_term(0..3));
    fill(&mut log, 3..4).await;
    drop(log);
    assert_eq!(ids(&mut open(&disk)).await, first_term(0..4), "nothing of the old group shows again");
}

#[tokio::test]
async fn after_a_failed_sync_the_log_answers_nothing_but_errors() {
    let disk = SimulatedFileSystem::default();
    let mut log = open(&disk);
    fill(&mut log, 0..3).await;
    disk.fail_syncs_after(0);
    assert!(log.blocking_append([entry(1, 3)]).await.is_err());
    // The disk works again: too late.
    disk.fail_syncs_after(u64::MAX);
    let error = log.blocking_append([entry(1, 4)]).await.unwrap_err().to_string();
    assert!(error.contains("can no longer be trusted"), "{error}");
    assert!(log.save_vote(&Vote::new(9, 1)).await.is_err());
    assert!(log.truncate(id(1, 2)).await.is_err());
    assert!(log.purge(id(1, 1)).await.is_err());
    assert!(log.try_get_log_entries(..).await.is_err());
    assert!(log.get_log_state().await.is_err());
    assert_eq!(ids(&mut open(&disk.after_power_loss())).await, first_term(0..3));
}

#[tokio::test]
async fn a_full_disk_at_any_byte_loses_nothing_that_was_acknowledged() {
    for space in (0..900).step_by(7) {
        let disk = SimulatedFileSystem::default();
        let mut log = open(&disk);
        fill(&mut log, 0..2).await;
        disk.fill_up_after(space);
        let mut acknowledged = 2;
        while log.blocking_append([entry(1, acknowledged)]).await.is_ok() {
            acknowledged += 1;
        }
        drop(log);
        let mut log = open(&disk.after_kill());
        // Where only the padding did not fit, the refused entry is whole, and may stay.
        let found = log.get_log_state().await.unwrap().last_log_id.unwrap().index + 1;
        assert!((acknowledged..=acknowledged + 1).contains(&found), "space {space}: {found}");
        fill(&mut log, found..found + 2).await;
        assert_eq!(ids(&mut log).await, first_term(0..found + 2), "space {space}");
    }
}

#[tokio::test]
async fn whatever_a_power_loss_leaves_of_a_write_is_torn_and_never_damage() {
    for seed in 0..200 {
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let disk = SimulatedFileSystem::default();
        let mut log = open(&disk);
        let acknowledged = random.random_range(0..30);
        fill(&mut log, 0..acknowledged).await;
        disk.fail_syncs_after(0);
        let group = (acknowledged..acknowledged + 5).map(|index| entry(1, index));
        assert!(log.blocking_append(group).await.is_err());
        let survivor = disk.after_power_loss_with_remains(|| random.random_bool(0.5));
        let mut log = open(&survivor);
        let found = ids(&mut log).await.len() as u64;
        assert!((acknowledged..=acknowledged + 5).contains(&found), "seed {seed}: {found} of {acknowledged}");
        fill(&mut log, found..found + 5).await;
        drop(log);
        assert_eq!(ids(&mut open(&survivor)).await, first_term(0..found + 5), "seed {seed}");
    }
}

#[tokio::test]
async fn segments_are_deleted_once_no_entry_in_them_is_needed() {
    let disk = SimulatedFileSystem::default();
    let mut log = open(&disk);
    fill(&mut log, 0..100).await;
    assert!(disk.content(&path(3)).len() >= SEGMENT as usize);
    log.purge(id(1, 79)).await.unwrap();
    drop(log);
    let segments = || disk.paths().iter().filter(|path| path.extension().is_some_and(|e| e == "log")).count();
    assert!(!disk.paths().contains(&path(1)));
    let before = segments();
    let mut log = open(&disk);
    assert_eq!(ids(&mut log).await, first_term(80..100));
    assert_eq!(log.get_log_state().await.unwrap().last_purged_log_id, Some(id(1, 79)));
    log.purge(id(1, 99)).await.unwrap();
    drop(log);
    assert!(segments() < before);
    let mut log = open(&disk.after_power_loss());
    assert_eq!(log.get_log_state().await.unwrap().last_log_id, Some(id(1, 99)));
    fill(&mut log, 100..101).await;
}

#[tokio::test]
async fn a_segment_that_is_missing_is_missed() {
    let disk = SimulatedFileSystem::default();
    fill(&mut open(&disk), 0..100).await;
    let middle = disk.after_kill();
    middle.remove(&path(2)).unwrap();
    assert!(matches!(refusal(&middle), LogError::MissingSegment { path: missing } if missing == path(2)));
    let start = disk.after_kill();
    start.remove(&path(1)).unwrap();
    assert!(matches!(refusal(&start), LogError::MissingStart { expected: 0, .. }));
}

#[tokio::test]
async fn damage_at_the_end_of_an_older_segment_is_not_taken_for_a_torn_tail() {
    let disk = SimulatedFileSystem::default();
    fill(&mut open(&disk), 0..100).await;
    let places = boundaries(1, &disk.content(&path(1)));
    let (start, end) = (places[places.len() - 2], places[places.len() - 1]);
    let garbled = disk.after_kill();
    garbled.tamper(&path(1), |content| content[start + 30] ^= 1);
    assert!(matches!(refusal(&garbled), LogError::Damaged { offset, .. } if offset == start));
    let wiped = disk.after_kill();
    wiped.tamper(&path(1), |content| content[start..end].fill(0));
    assert!(matches!(refusal(&wiped), LogError::Damaged { path: found, .. } if found == path(2)));
}

#[tokio::test]
async fn entries_of_a_deposed_leader_do_not_come_back() {
    let disk = SimulatedFileSystem::default();
    let mut log = open(&disk);
    fill(&mut log, 0..10).await;
    log.truncate(id(1, 6)).await.unwrap();
    log.blocking_append([entry(2, 6)]).await.unwrap();
    drop(log);
    let mut expected = first_term(0..6);
    expected.push(id(2, 6));
    assert_eq!(ids(&mut open(&disk.after_power_loss())).await, expected);
}

#[tokio::test]
async fn a_damaged_vote_is_refused() {
    let disk = SimulatedFileSystem::default();
    open(&disk).save_vote(&Vote::new(3, 1)).await.unwrap();
    disk.tamper(Path::new("/log/vote"), |content| content[25] ^= 1);
    assert!(matches!(refusal(&disk), LogError::Vote { .. }));
}

#[tokio::test]
async fn a_command_of_a_newer_version_stops_the_start() {
    #[derive(serde::Serialize)]
    enum Command {
        Teleport { to: &'static str },
    }
    #[derive(serde::Serialize)]
    enum Payload {
        Commands(Vec<Command>),
    }
    #[derive(serde::Serialize)]
    enum Future {
        Append { id: crate::raft::stored::StoredId, payload: Payload },
    }
    let disk = SimulatedFileSystem::default();
    drop(open(&disk));
    let payload = Payload::Commands(vec![Command::Teleport { to: "mars" }]);
    let change = Future::Append { id: id(1, 0).into(), payload };
    let mut record = Vec::new();
    record::encode(1, 0, 0, &rmp_serde::to_vec_named(&change).unwrap(), &mut record);
    disk.tamper(&path(1), |content| content[segment::HEAD..][..record.len()].copy_from_slice(&record));
    let error = refusal(&disk);
    assert!(matches!(error, LogError::Unreadable { offset: segment::HEAD, .. }), "{error}");
    assert!(error.to_string().contains("Teleport"), "{error}");
}

#[test]
fn a_directory_belongs_to_one_log_at_a_time() {
    let directory = tempfile::TempDir::new().unwrap();
    let open = || {
        let directory = Directory::open(Arc::new(StdFileSystem), directory.path().to_owned()).unwrap();
        SegmentLog::open(directory, SEGMENT)
    };
    let first = open().unwrap();
    let second = open().map(drop).unwrap_err().to_string();
    assert!(second.contains("does another agent use this directory?"), "{second}");
    drop(first);
    open().unwrap();
}

/// What a log must hold, kept as simply as can be.
#[derive(Default)]
struct Model {
    entries: std::collections::BTreeMap<u64, LogId>,
    purged: Option<LogId>,
}

impl Model {
    fn next(&self) -> u64 {
        let last = self.entries.keys().next_back().copied();
        last.or(self.purged.map(|id| id.index)).map_or(0, |last| last + 1)
    }
}

#[tokio::test]
async fn any_sequence_of_changes_and_power_losses_ends_as_the_model_does() {
    for seed in 0..20 {
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let (mut disk, mut model) = (SimulatedFileSystem::default(), Model::default());
        let mut log = open(&disk);
        for term in 1..150 {
            let first = model.entries.keys().next().copied();
            match (random.random_range(0..10), first) {
                (0, Some(first)) => {
                    let from = random.random_range(first..model.next());
                    log.truncate(id(term, from)).await.unwrap();
                    model.entries.split_off(&from);
                }
                (1, Some(first)) => {
                    let upto = model.entries[&random.random_range(first..model.next())];
                    log.purge(upto).await.unwrap();
                    model.entries = model.entries.split_off(&(upto.index + 1));
                    model.purged = Some(upto);
                }
                (2, _) => {
                    disk = disk.after_power_loss();
                    log = open(&disk);
                }
                _ => {
                    let from = model.next();
                    let entries: Vec<_> = (from..from + 4).map(|index| entry(term, index)).collect();
                    model.entries.extend(entries.iter().map(|entry| (entry.log_id.index, entry.log_id)));
                    log.blocking_append(entries).await.unwrap();
                }
            }
            assert_eq!(ids(&mut log).await, model.entries.values().copied().collect::<Vec<_>>(), "{seed}");
            assert_eq!(log.get_log_state().await.unwrap().last_purged_log_id, model.purged, "{seed}");
        }
    }
}

#[tokio::test]
async fn no_entry_is_forgotten_before_a_snapshot_of_it_is_on_disk() {
    let disk = SimulatedFileSystem::default();
    let mut log = open(&disk);
    fill(&mut log, 0..10).await;
    let (kept, told) = watch::channel(Some(4));
    log.follow(Some(told));
    log.purge(id(1, 4)).await.unwrap();
    let purging = async { log.purge(id(1, 7)).await };
    let keeping = async {
        tokio::task::yield_now().await;
        assert_eq!(
            ids(&mut open(&disk.after_kill())).await,
            first_term(5..10),
            "the snapshot is not there yet"
        );
        kept.send_replace(Some(8));
    };
    let (purged, ()) = tokio::join!(purging, keeping);
    purged.unwrap();
    assert_eq!(ids(&mut log).await, first_term(8..10));
    kept.send_replace(None);
    assert!(log.purge(id(1, 8)).await.is_err(), "a snapshot that was not kept replaces nothing");
}

#[tokio::test]
async fn what_a_killed_process_has_left_is_durable_once_it_was_read() {
    let disk = SimulatedFileSystem::default();
    let mut log = open(&disk);
    fill(&mut log, 0..3).await;
    disk.fail_syncs_after(0);
    log.blocking_append([entry(1, 3)]).await.unwrap_err();
    drop(log);
    let killed = disk.after_kill();
    assert_eq!(ids(&mut open(&killed)).await, first_term(0..4), "it was written, and is read");
    assert_eq!(ids(&mut open(&killed.after_power_loss())).await, first_term(0..4));
}
