use super::tape::Tape;
use super::vote;
use crate::raft::files::{Directory, FileError};
use crate::raft::window::SharedWindow;
use tokio::sync::mpsc;

/// Tells whoever asked that it is on disk, or why it never will be.
pub(super) type Done = Box<dyn FnOnce(Result<(), String>) + Send>;

/// What the writer is asked for.
pub(super) enum Request {
    Append {
        payloads: Vec<Vec<u8>>,
        done: Done,
    },
    Vote {
        file: Vec<u8>,
        done: Done,
    },
    /// Nobody needs the records before this one.
    Release {
        first_needed: u64,
    },
}

/// The only one who writes to the log's directory, on a thread of its own, since syncing blocks.
pub(super) struct Writer {
    pub(super) tape: Tape,
    pub(super) directory: Directory,
    pub(super) window: SharedWindow,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) waiting: Vec<Done>,
    /// Set by the first failed write or sync, for ever: the kernel may have dropped what it could not
    /// write, and would report success for it the next time. Only reading the disk anew tells what is there.
    pub(super) poisoned: Option<String>,
    /// Keeps other processes out.
    pub(super) _lock: Box<dyn Send>,
}

/// A group commit takes no more bytes than about this.
const GROUP: usize = 1 << 20;

impl Writer {
    /// Serves until nobody can ask any more. What was asked together is made durable together.
    pub(super) fn run(mut self) {
        while let Some(request) = self.requests.blocking_recv() {
            self.serve(request);
            while self.tape.buffered() < GROUP
                && let Ok(request) = self.requests.try_recv()
            {
                self.serve(request);
            }
            self.commit();
        }
    }

    /// One request, durable when this returns, or failed.
    pub(super) fn serve_at_once(&mut self, request: Request) {
        self.serve(request);
        self.commit();
    }

    fn serve(&mut self, request: Request) {
        match request {
            Request::Append { payloads, done } => {
                self.waiting.push(done);
                // A failure poisons, and `commit` tells everybody who waits.
                let _ = self.attempt(|w| payloads.iter().try_for_each(|payload| w.tape.put(payload)));
            }
            Request::Vote { file, done } => {
                self.commit();
                done(self.attempt(|w| w.directory.replace(vote::FILE, &file)));
            }
            Request::Release { first_needed } => {
                self.commit();
                self.release(first_needed);
            }
        }
    }

    /// A segment too many does no harm; what is left of a failed log is not touched.
    fn release(&mut self, first_needed: u64) {
        if self.poisoned.is_some() {
            return;
        }
        if let Err(error) = self.tape.release(first_needed) {
            tracing::warn!(%error, "an old segment of the Raft log stays for now");
        }
    }

    fn commit(&mut self) {
        let result = self.attempt(|w| w.tape.flush());
        for done in self.waiting.drain(..) {
            done(result.clone());
        }
    }

    fn attempt(&mut self, work: impl FnOnce(&mut Self) -> Result<(), FileError>) -> Result<(), String> {
        if let Some(reason) = &self.poisoned {
            return Err(reason.clone());
        }
        work(self).map_err(|error| self.poison(&error))
    }

    fn poison(&mut self, error: &FileError) -> String {
        let reason = format!("the Raft log can no longer be trusted: {error}");
        tracing::error!(%error, "the Raft log failed: nothing is acknowledged any more");
        self.window.lock().fail(&reason);
        self.poisoned.insert(reason).clone()
    }
}
