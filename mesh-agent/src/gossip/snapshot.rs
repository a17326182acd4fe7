use super::roster::Members;
use crate::whole_file;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Keeps the addresses of other members on disk, so that an agent that was restarted finds them by itself.
#[derive(Debug, Default)]
pub struct Snapshots {
    path: Option<PathBuf>,
    written_at: Option<Duration>,
    due: bool,
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Where other members were, as far as they lived.
    pub members: Vec<SocketAddr>,
    /// The agent left of its own will, and does not come back by itself.
    pub left: bool,
}

/// A busy cluster does not keep the disk busy.
const INTERVAL: Duration = Duration::from_secs(10);
/// Most addresses kept: one of them that answers is enough.
const MOST: usize = 64;

impl Snapshots {
    /// No path: nothing is kept.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path, ..Self::default() }
    }

    /// What was kept. A damaged file is as good as none: there are other ways to join.
    pub fn load(&self) -> Snapshot {
        let Some(path) = &self.path else { return Snapshot::default() };
        let read = fs::read(path).and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::from));
        read.unwrap_or_else(|error: io::Error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(path = %path.display(), %error, "the members that were known are not");
            }
            Snapshot::default()
        })
    }

    /// The list has changed: kept now, unless that was just done.
    pub(super) fn note(&mut self, members: &Members, now: Duration) {
        self.due = self.written_at.is_some_and(|at| now < at + INTERVAL);
        if !self.due {
            self.written_at = Some(now);
            self.write(members, false);
        }
    }

    pub(super) fn close(&mut self, members: &Members, left: bool) {
        if self.due || left {
            self.write(members, left);
        }
    }

    fn write(&self, members: &Members, left: bool) {
        let Some(path) = &self.path else { return };
        let alive = members.alive().map(|known| known.member.gossip()).take(MOST);
        let snapshot = Snapshot { members: alive.collect(), left };
        let text = serde_json::to_vec(&snapshot).expect("addresses are JSON");
        if let Err(error) = whole_file::make_directory_of(path).and_then(|()| whole_file::keep(path, &text)) {
            tracing::warn!(path = %path.display(), %error, "the members that are known are not kept");
        }
    }
}
