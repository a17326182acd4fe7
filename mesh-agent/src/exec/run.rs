use super::desk::Desk;
use super::error::ExecError;
use super::job::Job;
use super::order::Order;
use super::output::{Output, Piece};
use super::process::{FAILED, Process};
use std::sync::Arc;
use std::time::Duration;

/// One order being carried out on this node.
pub(super) struct Run {
    pub desk: Arc<dyn Desk>,
    pub node: String,
    pub order: Order,
}

/// The event may be here before the job is.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(300);
/// A command that takes longer is killed.
const MOST_TIME: Duration = Duration::from_secs(3600);
/// What is still printed after the command has ended, by others that it has started.
const AFTERWARDS: Duration = Duration::from_millis(500);
/// How often a write is tried, where it is not known whether the session lives.
const TRIES: u32 = 5;

impl Run {
    /// From the order to its status, which is written where the others are.
    ///
    /// # Errors
    /// There is no job, or its session has ended; what ran then is killed.
    pub async fn carry_out(&self) -> Result<u8, ExecError> {
        let job = self.job().await?;
        self.tell("ack", Vec::new()).await?;
        tracing::info!(session = %self.order.session, command = job.task.shown(), "a remote command begins");
        let status = match tokio::time::timeout(MOST_TIME, self.run(&job)).await {
            Ok(status) => status?,
            Err(_) => {
                self.write(
                    &self.order.output(&self.node, u32::MAX >> 12),
                    b"killed after an hour\n".to_vec(),
                )
                .await?;
                FAILED
            }
        };
        self.tell("exit", status.to_string().into_bytes()).await?;
        Ok(status)
    }

    /// Only what the session itself has laid down counts.
    async fn job(&self) -> Result<Job, ExecError> {
        let key = self.order.job();
        let mut reason = "there is none".to_owned();
        for _ in 0..LOOKS {
            match self.desk.read(&key).await {
                Ok(Some(found)) if found.session == Some(self.order.session) => {
                    return Job::read(&key, &found.value);
                }
                Ok(Some(_)) => "it is not its session's".clone_into(&mut reason),
                Ok(None) => "there is none".clone_into(&mut reason),
                Err(error) => reason = error,
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(ExecError::Job { key, reason })
    }

    async fn run(&self, job: &Job) -> Result<u8, ExecError> {
        let mut process = match Process::start(&job.task) {
            Ok(process) => process,
            Err(error) => {
                self.write(&self.order.output(&self.node, 0), format!("{error}\n").into_bytes()).await?;
                return Ok(FAILED);
            }
        };
        let (first, second) = process.output();
        let mut output = Output::new(first, second);
        let (mut number, mut status) = (0, None);
        loop {
            let patience = if status.is_some() { AFTERWARDS } else { job.wait };
            let piece = tokio::select! {
                piece = output.next(patience) => piece,
                ended = process.ended(), if status.is_none() => {
                    status = Some(ended);
                    continue;
                }
            };
            let text = match (piece, status) {
                (Piece::Text(text), _) => text,
                (Piece::Silence | Piece::End, Some(status)) => return Ok(status),
                // Nothing at all says that it is at it still.
                (Piece::Silence, None) => Vec::new(),
                // It has closed its outputs and goes on.
                (Piece::End, None) => match tokio::time::timeout(job.wait, process.ended()).await {
                    Ok(ended) => return Ok(ended),
                    Err(_) => Vec::new(),
                },
            };
            self.write(&self.order.output(&self.node, number), text).await?;
            number += 1;
        }
    }

    async fn tell(&self, what: &str, value: Vec<u8>) -> Result<(), ExecError> {
        self.write(&self.order.answer(&self.node, what), value).await
    }

    /// Fails at once where the session has ended: nobody is there to read it.
    async fn write(&self, key: &str, value: Vec<u8>) -> Result<(), ExecError> {
        let mut failed = String::new();
        for _ in 0..TRIES {
            match self.desk.write(key, self.order.session, value.clone()).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(ExecError::Ended),
                Err(reason) => failed = reason,
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(ExecError::Write { key: key.to_owned(), reason: failed })
    }
}
