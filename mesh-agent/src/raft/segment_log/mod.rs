//! The durable log: append-only segments of checksummed records, made durable in groups by one thread.

mod change;
mod error;
mod record;
mod recovery;
mod segment;
mod tape;
#[cfg(test)]
mod tests;
mod vote;
mod writer;

pub use change::OutOfOrder;
pub use error::LogError;

use super::files::Directory;
use super::snapshots::Kept;
use super::types::{Entry, LogId, StorageError, StorageIoError, TypeConfig, Vote};
use super::window::SharedWindow;
use change::Change;
use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{AnyError, LogState, RaftLogReader};
use std::fmt::Debug;
use std::io;
use std::ops::RangeBounds;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use tape::Tape;
use tokio::sync::{mpsc, oneshot, watch};
use writer::{Request, Writer};

/// A log in files. Entries that no snapshot replaces are in memory too, where they are read.
pub(super) struct SegmentLog {
    window: SharedWindow,
    vote: Option<Vote>,
    /// The sequence of the next record.
    next_sequence: u64,
    hands: Hands,
    /// How far snapshots on disk go, where somebody tells.
    kept: Option<watch::Receiver<Kept>>,
}

/// Who writes to the disk.
enum Hands {
    /// A thread, since syncing blocks.
    Thread { requests: Option<mpsc::Sender<Request>>, thread: Option<JoinHandle<()>> },
    /// Whoever asks, on a file system that does not block; only one can.
    Here(Mutex<Box<Writer>>),
}

/// Requests that wait for the disk.
const QUEUE: usize = 256;

impl SegmentLog {
    /// Takes the directory for itself and reads what is in it. Segments have `segment_size` bytes; a larger
    /// record gets a larger segment for itself.
    ///
    /// # Errors
    /// Somebody else uses the directory, it cannot be read, or it is damaged.
    pub(super) fn open(directory: Directory, segment_size: u64) -> Result<Self, LogError> {
        let lock = directory.lock("lock")?;
        directory.discard_unfinished()?;
        let mut recovered = recovery::recover(&directory)?;
        let vote = vote::read(&directory)?;
        let tape = Tape::open(directory.clone(), segment_size, &mut recovered)?;
        let window = SharedWindow::new(recovered.window);
        let (sender, requests) = mpsc::channel(QUEUE);
        let (blocks, waiting) = (directory.blocks(), Vec::new());
        let window_to_fail = window.clone();
        let writer = Writer {
            tape,
            directory,
            window: window_to_fail,
            requests,
            waiting,
            poisoned: None,
            _lock: lock,
        };
        let hands = if blocks {
            Hands::Thread { requests: Some(sender), thread: Some(spawn(writer)?) }
        } else {
            Hands::Here(Mutex::new(Box::new(writer)))
        };
        Ok(Self { window, vote, next_sequence: recovered.next_sequence, hands, kept: None })
    }

    /// From now on it forgets no entry that is not in a snapshot on disk.
    pub(super) fn follow(&mut self, kept: Option<watch::Receiver<Kept>>) {
        self.kept = kept;
    }

    /// openraft has a leader's snapshot installed and the entries before it forgotten at the same time. A server that
    /// lost its power in between would have neither, and not start any more.
    async fn is_kept(&mut self, upto: u64) -> bool {
        let Some(kept) = &mut self.kept else { return true };
        let kept = kept.wait_for(|kept| kept.is_none_or(|kept| kept >= upto)).await;
        kept.is_ok_and(|kept| kept.is_some())
    }

    pub(super) fn window(&self) -> SharedWindow {
        self.window.clone()
    }

    async fn request(&mut self, request: Request) -> Result<(), String> {
        match &mut self.hands {
            Hands::Thread { requests, .. } => {
                let requests = requests.as_ref().expect("taken by drop alone");
                requests.send(request).await.map_err(|_| WRITER_GONE.to_owned())
            }
            Hands::Here(writer) => {
                writer.get_mut().unwrap_or_else(PoisonError::into_inner).serve_at_once(request);
                Ok(())
            }
        }
    }

    /// Durable when it returns.
    async fn write(&mut self, change: &Change) -> Result<u64, String> {
        let payloads = vec![change.encode().map_err(|e| e.to_string())?];
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let (done, written) = answer();
        self.request(Request::Append { payloads, done }).await?;
        written.await.map_err(|_| WRITER_GONE.to_owned())??;
        Ok(sequence)
    }

    /// Entries are readable at once, and durable when `flushed` is told.
    fn stage(&mut self, entries: impl IntoIterator<Item = Entry>) -> Result<Vec<Vec<u8>>, StorageError> {
        let mut window = self.window.sound()?;
        let mut payloads = Vec::new();
        for entry in entries {
            let encoded = Change::append(&entry).encode();
            let payload =
                encoded.map_err(|e| StorageIoError::write_log_entry(entry.log_id, AnyError::error(e)))?;
            window.push(entry, payload.len() as u64, self.next_sequence);
            self.next_sequence += 1;
            payloads.push(payload);
        }
        Ok(payloads)
    }

    /// The oldest record that somebody may still need.
    fn first_needed(&self, purge_sequence: u64) -> u64 {
        self.window.lock().first_sequence().map_or(purge_sequence, |entry| entry.min(purge_sequence))
    }
}

const WRITER_GONE: &str = "the thread that writes the Raft log has ended";

fn answer() -> (writer::Done, oneshot::Receiver<Result<(), String>>) {
    let (sender, receiver) = oneshot::channel();
    let done = Box::new(move |result| {
        // Whoever no longer waits does not care.
        let _ = sender.send(result);
    });
    (done, receiver)
}

fn spawn(writer: Writer) -> Result<JoinHandle<()>, LogError> {
    let thread = std::thread::Builder::new().name("raft-log".to_owned());
    thread.spawn(move || writer.run()).map_err(|source| LogError::Thread { source })
}

fn write_error(reason: String) -> StorageError {
    StorageIoError::write_logs(AnyError::error(reason)).into()
}

impl Drop for SegmentLog {
    /// Waits for at most one sync, so that the directory can be opened again at once.
    fn drop(&mut self) {
        let Hands::Thread { requests, thread } = &mut self.hands else { return };
        *requests = None;
        if let Some(Err(_)) = thread.take().map(JoinHandle::join) {
            tracing::error!("{WRITER_GONE} in a panic");
        }
    }
}

impl RaftLogReader<TypeConfig> for SegmentLog {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + Send>(
        &mut self,
        range: R,
    ) -> Result<Vec<Entry>, StorageError> {
        self.window.try_get_log_entries(range).await
    }
}

impl RaftLogStorage<TypeConfig> for SegmentLog {
    type LogReader = SharedWindow;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, StorageError> {
        self.window.log_state()
    }

    async fn get_log_reader(&mut self) -> SharedWindow {
        self.window.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        let failed = |reason: String| StorageIoError::write_vote(AnyError::error(reason));
        let file = vote::encode(vote).map_err(|e| failed(e.to_string()))?;
        let (done, written) = answer();
        self.request(Request::Vote { file, done }).await.map_err(failed)?;
        written.await.map_err(|_| failed(WRITER_GONE.to_owned()))?.map_err(failed)?;
        self.vote = Some(*vote);
        Ok(())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        Ok(self.vote)
    }

    async fn append<I>(&mut self, entries: I, flushed: LogFlushed<TypeConfig>) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + Send,
        I::IntoIter: Send,
    {
        let payloads = self.stage(entries)?;
        let done = Box::new(move |result: Result<(), String>| {
            flushed.log_io_completed(result.map_err(io::Error::other));
        });
        self.request(Request::Append { payloads, done }).await.map_err(write_error)
    }

    async fn truncate(&mut self, since: LogId) -> Result<(), StorageError> {
        self.write(&Change::truncate(since)).await.map_err(write_error)?;
        self.window.lock().truncate(since.index);
        Ok(())
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), StorageError> {
        if !self.is_kept(upto.index).await {
            let reason = format!("the snapshot that replaces the entries up to {} was not kept", upto.index);
            return Err(write_error(reason));
        }
        let sequence = self.write(&Change::purge(upto)).await.map_err(write_error)?;
        self.window.lock().purge(upto);
        let first_needed = self.first_needed(sequence);
        self.request(Request::Release { first_needed }).await.map_err(write_error)
    }
}
