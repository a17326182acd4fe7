use super::message::{Message, Reply};
use super::network::{Line, PeerError};
use super::types::{Entry, LogId, TypeConfig, Vote};
use crate::state::Command;
use crate::task::{TaskGroup, expected};
use openraft::EntryPayload;
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

type Append = AppendEntriesRequest<TypeConfig>;

/// Entries under way to a follower. openraft gives an append up after a heartbeat, and would begin anew for ever where
/// the network or the follower's disk takes longer. Here they stay under way, and meanwhile the follower hears that
/// the leader lives, and the leader that the follower does.
pub(super) struct Sending {
    begin: Begin,
    last: LogId,
    answer: oneshot::Receiver<Result<Reply, PeerError>>,
    /// Ends with this.
    _task: TaskGroup,
}

/// Under which leader, and after which entry.
pub(super) type Begin = (Vote, Option<LogId>);

/// After so long entries are sent again, and so much later for each of their bytes: a quarter of a mebibyte in a
/// second is a slow network.
const PATIENCE: Duration = Duration::from_secs(1);
const PER_BYTE: Duration = Duration::from_nanos(4000);

fn patience(request: &Append) -> Duration {
    let bytes: usize = request.entries.iter().map(weight).sum();
    PATIENCE + PER_BYTE * u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn weight(entry: &Entry) -> usize {
    match &entry.payload {
        EntryPayload::Normal(batch) => batch.0.iter().map(Command::weight).sum(),
        EntryPayload::Blank | EntryPayload::Membership(_) => 0,
    }
}

impl Sending {
    fn start(line: Line, begin: Begin, last: LogId, request: Append) -> Self {
        let (told, answer) = oneshot::channel();
        let mut task = TaskGroup::new();
        let patience = patience(&request);
        task.spawn("raft append", async move {
            // Whoever has gone does not want to know.
            let _ = told.send(expected(line.ask(Message::Append(request), patience)).await);
        });
        Self { begin, last, answer, _task: task }
    }

    /// Entries that openraft has not asked to send yet. How far the log is committed they do not say: that follows.
    pub(super) fn ahead(line: Line, begin: Begin, entries: &[Entry]) -> Option<Self> {
        let last = entries.last()?.log_id;
        let (vote, prev_log_id) = begin;
        let request = Append { vote, prev_log_id, leader_commit: None, entries: entries.to_vec() };
        Some(Self::start(line, begin, last, request))
    }

    /// It answers this request too, in part at least.
    fn is_part_of(&self, begin: Begin, last: LogId) -> bool {
        self.begin == begin && self.last <= last
    }
}

/// What comes of an append of entries, of which that is the last, within its time: its answer, or that of a heartbeat while entries are still under way.
pub(super) async fn append(
    line: &Line,
    slot: &mut Option<Sending>,
    request: Append,
    last: LogId,
    time: Duration,
) -> Result<Reply, PeerError> {
    let begin = (request.vote, request.prev_log_id);
    let Append { vote, prev_log_id, leader_commit, .. } = request;
    let heartbeat = Append { vote, prev_log_id, leader_commit, entries: Vec::new() };
    let sending = match slot.take().filter(|sending| sending.is_part_of(begin, last)) {
        Some(sending) => slot.insert(sending),
        None => slot.insert(Sending::start(line.clone(), begin, last, request)),
    };
    // Half for the entries, the rest for the heartbeat: the caller is gone when the time is over.
    if let Ok(answer) = timeout(time / 2, &mut sending.answer).await {
        let sent = sending.last;
        *slot = None;
        let answer = answer.unwrap_or_else(|_| Err(line.silent()))?;
        return Ok(reached(answer, (sent < last).then_some(sent)));
    }
    let answer = line.ask(Message::Append(heartbeat), time / 2).await?;
    // Before the first entry there is nothing that it could have.
    if prev_log_id.is_none() { Err(line.silent()) } else { Ok(reached(answer, prev_log_id)) }
}

/// A success that goes no further than this.
fn reached(answer: Reply, upto: Option<LogId>) -> Reply {
    match (answer, upto) {
        (Reply::Append(Ok(AppendEntriesResponse::Success)), Some(upto)) => {
            Reply::Append(Ok(AppendEntriesResponse::PartialSuccess(Some(upto))))
        }
        (answer, _) => answer,
    }
}
