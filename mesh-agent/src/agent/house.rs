use super::config::{self, CommandLine, Host, Reloadable, RuntimeConfig, WatchConfig};
use super::control::Request;
use super::membership::Pools;
use super::observed::Observed;
use super::signals::{Asked, Signals};
use crate::local::{LocalState, StateSyncer};
use crate::raft::{RaftError, RaftNode};
use crate::task::{Shutdown, TaskError, TaskGroup, Workers};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long saying farewell to the catalog may take.
const LEAVE: Duration = Duration::from_secs(2);

/// A whole agent, built and open: see `build.rs`.
pub(super) struct House {
    pub command_line: CommandLine,
    pub config: RuntimeConfig,
    pub observed: Observed,
    /// None on a client agent.
    pub raft: Option<Arc<RaftNode>>,
    /// Ends last: what still runs may want to write.
    pub raft_thread: Option<Arc<Workers>>,
    pub pools: Pools,
    pub local: Arc<LocalState>,
    pub syncer: StateSyncer,
    /// What is watched: see [`super::watches::Watches`].
    pub watches: watch::Sender<Vec<WatchConfig>>,
    pub requests: mpsc::Receiver<Request>,
    pub signals: Signals,
    pub tasks: TaskGroup,
    pub shutdown: Shutdown,
}

/// How an agent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Asked,
    Failed,
}

/// What the house reacts to.
enum Event {
    Signal(Asked),
    Request(Request),
    /// The Raft core ended by itself.
    RaftEnded(String),
    TaskEnded(Result<&'static str, TaskError>),
}

impl House {
    /// Runs until somebody asks it to end, or something that it cannot do without has failed.
    pub async fn run(mut self) -> Ending {
        let ending = loop {
            match self.next_event().await {
                Event::Signal(Asked::Reload) => drop(self.reload()),
                Event::Signal(asked) => break self.end_for(asked).await,
                Event::Request(Request::Reload(reply)) => {
                    // Whoever asked may be gone; the reload happened all the same.
                    let _ = reply.send(self.reload());
                }
                Event::Request(Request::Leave) => break self.leave().await,
                Event::Request(Request::End(reason)) => {
                    tracing::error!(%reason, "the agent ends");
                    break Ending::Failed;
                }
                Event::RaftEnded(reason) => {
                    tracing::error!(%reason, "the server can no longer keep its state and ends");
                    break Ending::Failed;
                }
                Event::TaskEnded(Ok(task)) => tracing::debug!(task, "a task ended"),
                Event::TaskEnded(Err(error)) => {
                    tracing::error!(%error, "the agent cannot go on without it and ends");
                    break Ending::Failed;
                }
            }
        };
        self.shutdown.begin();
        self.tasks.finish().await;
        drop(self.raft_thread);
        tracing::info!("the agent has ended");
        ending
    }

    async fn next_event(&mut self) -> Event {
        tokio::select! {
            asked = self.signals.next() => Event::Signal(asked),
            Some(request) = self.requests.recv() => Event::Request(request),
            stopped = stopped(self.raft.as_deref()) => Event::RaftEnded(match stopped {
                Ok(()) => "Raft has stopped".to_owned(),
                Err(error) => error.to_string(),
            }),
            Some(ended) = self.tasks.next_ended() => Event::TaskEnded(ended),
        }
    }

    async fn end_for(&self, asked: Asked) -> Ending {
        let leave = match asked {
            Asked::Interrupt => !self.config.leave.skip_on_interrupt,
            _ => self.config.leave.on_terminate,
        };
        tracing::info!(?asked, leave, "the agent was asked to end");
        if leave { self.leave().await } else { Ending::Asked }
    }

    /// Takes this node out of the catalog, so that nobody is sent here any more.
    async fn leave(&self) -> Ending {
        match tokio::time::timeout(LEAVE, self.syncer.leave()).await {
            Ok(Ok(())) => tracing::info!("the node has left the catalog"),
            Ok(Err(error)) => tracing::warn!(%error, "the node could not leave the catalog"),
            Err(_) => tracing::warn!(within = ?LEAVE, "the node could not leave the catalog in time"),
        }
        for gossip in self.pools.wan.iter().chain(&self.pools.lan) {
            if tokio::time::timeout(LEAVE, gossip.leave()).await.is_err() {
                tracing::warn!(within = ?LEAVE, "the other members could not be told in time");
            }
        }
        tokio::time::sleep(self.config.leave.drain.min(LEAVE)).await;
        Ending::Asked
    }

    /// Reads the configuration again. A mistake in it changes nothing.
    fn reload(&self) -> Result<(), String> {
        let reloaded = self.try_reload();
        match &reloaded {
            Ok(()) => tracing::info!("the configuration was read again"),
            Err(reason) => {
                tracing::error!(%reason, "the configuration was not taken over; the old one stays");
            }
        }
        reloaded
    }

    fn try_reload(&self) -> Result<(), String> {
        let loaded = config::load(&self.command_line, &Host::detect()).map_err(|e| e.to_string())?;
        let Reloadable { services, checks, log_level, watches } = loaded.runtime.reloadable;
        self.local.replace_configuration(services, checks).map_err(|e| e.to_string())?;
        self.observed.logs.set_level(log_level);
        self.watches.send_if_modified(|now| {
            let others = *now != watches;
            *now = watches;
            others
        });
        Ok(())
    }
}

/// Never, where there is no Raft.
async fn stopped(raft: Option<&RaftNode>) -> Result<(), RaftError> {
    match raft {
        Some(raft) => raft.stopped().await,
        None => std::future::pending().await,
    }
}
