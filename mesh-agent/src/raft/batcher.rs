use super::AgreementError;
use super::types::{Applied, Batch, Raft};
use crate::state::{Command, Outcome};
use crate::task::Shutdown;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// A command that waits to be written, and where its outcome goes.
struct Proposal {
    command: Command,
    answer: oneshot::Sender<Result<(Outcome, u64), AgreementError>>,
}

/// Proposals beyond these wait in their callers.
const QUEUE: usize = 1024;
/// The most commands in one entry.
const BATCH: usize = 512;
/// The most bytes of one entry that has several commands: it must reach a follower, and its disk, within a
/// heartbeat, since openraft gives up an append after that and would try for ever.
const BYTES: usize = 1 << 20;
/// How long an entry may take to be committed and applied.
const CONFIRM: Duration = Duration::from_secs(10);

/// Where callers hand in commands.
#[derive(Clone)]
pub(super) struct Proposals(mpsc::Sender<Proposal>);

impl Proposals {
    /// Completes once the command is committed and applied here, with its outcome and which entry of the log it is in.
    pub(super) async fn write(&self, command: Command) -> Result<(Outcome, u64), AgreementError> {
        let (answer, outcome) = oneshot::channel();
        self.0.send(Proposal { command, answer }).await.map_err(|_| stopped())?;
        let began = Instant::now();
        // Whoever drops a proposal without a word may have handed it to the core.
        outcome.await.unwrap_or_else(|_| Err(AgreementError::Unconfirmed { waited: began.elapsed() }))
    }
}

/// How many of these make the next entry: one at least.
fn first_entry(batch: &[Proposal]) -> usize {
    let mut bytes = 0;
    let fitting = batch.iter().take_while(|proposal| {
        bytes += proposal.command.weight();
        bytes <= BYTES
    });
    fitting.count().max(1)
}

fn stopped() -> AgreementError {
    AgreementError::Stopped { reason: "it is shutting down".to_owned() }
}

/// Coalesces: what came in while the previous entry was under way becomes the next one.
pub(super) struct Batcher {
    raft: Raft,
    proposals: mpsc::Receiver<Proposal>,
}

impl Batcher {
    pub(super) fn new(raft: Raft) -> (Self, Proposals) {
        let (sender, proposals) = mpsc::channel(QUEUE);
        (Self { raft, proposals }, Proposals(sender))
    }

    /// One entry is in flight at a time: more would only make each of them smaller.
    pub(super) async fn run(mut self, shutdown: Shutdown) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = shutdown.begun() => return self.refuse_the_rest(),
                received = self.proposals.recv_many(&mut batch, BATCH) => if received == 0 { return },
            }
            while !batch.is_empty() {
                let first = first_entry(&batch);
                self.propose(batch.drain(..first)).await;
            }
        }
    }

    /// What is still queued at the end was not taken, which its callers are told.
    fn refuse_the_rest(&mut self) {
        self.proposals.close();
        while let Ok(proposal) = self.proposals.try_recv() {
            let _ = proposal.answer.send(Err(stopped()));
        }
    }

    async fn propose(&self, batch: impl Iterator<Item = Proposal>) {
        let (commands, answers): (Vec<_>, Vec<_>) =
            batch.map(|Proposal { command, answer }| (command, answer)).unzip();
        match self.commit(Batch(commands.into())).await {
            Ok((Applied(outcomes), log)) => {
                debug_assert_eq!(outcomes.len(), answers.len(), "an outcome for each command");
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // A caller that has gone does not want its outcome.
                    let _ = answer.send(Ok((outcome, log)));
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// A core that has ended says so itself.
    fn may_lead(&self) -> bool {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        metrics.state.is_leader() || metrics.running_state.is_err()
    }

    /// Who does not lead takes nothing, nor does a core that has ended. What was handed to a leader may be in its log
    /// when it loses the lead or its disk fails, and on another server's disk too, from where a later leader commits
    /// it: openraft says "ask the leader" or "stopped" for that as well, but whoever asks again could do it twice.
    async fn commit(&self, batch: Batch) -> Result<(Applied, u64), AgreementError> {
        if !self.may_lead() {
            return Err(AgreementError::NotLeader);
        }
        let began = Instant::now();
        let written = self.raft.client_write_ff(batch).await;
        let written = written.map_err(|ended| AgreementError::Stopped { reason: ended.to_string() })?;
        match tokio::time::timeout(CONFIRM, written).await {
            Ok(Ok(Ok(response))) => Ok((response.data, response.log_id.index)),
            // It is late, the core has ended, or somebody else leads.
            Err(_) | Ok(Err(_) | Ok(Err(_))) => Err(AgreementError::Unconfirmed { waited: began.elapsed() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposals(sizes: &[usize]) -> Vec<Proposal> {
        let proposal = |size: &usize| {
            let (answer, _) = oneshot::channel();
            Proposal { command: Command::Restore(vec![0; *size]), answer }
        };
        sizes.iter().map(proposal).collect()
    }

    #[test]
    fn an_entry_has_a_mebibyte_at_most_or_one_command() {
        let half = BYTES / 2;
        let cases: &[(&[usize], usize)] = &[
            (&[1, 1, 1], 3),
            (&[half, half, 1], 1),
            (&[half, 1, half], 2),
            (&[2 * BYTES, 1], 1),
            (&[1, 2 * BYTES], 1),
        ];
        for (sizes, entry) in cases {
            assert_eq!(first_entry(&proposals(sizes)), *entry, "{sizes:?}");
        }
    }
}
