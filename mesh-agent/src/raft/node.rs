use super::answering::Answering;
use super::batcher::{Batcher, Proposals};
use super::elections::Elections;
use super::files::{FileSystem, StdFileSystem};
use super::herald::{Ended, Herald, Metrics, News};
use super::keeper::Keeper;
use super::network::Peers;
use super::open::open;
use super::pulse::Pulse;
use super::transport::Transport;
use super::types::{NodeId, Raft, is_of};
use super::{AgreementError, Founding, MessageError, RaftError, RaftOptions};
use crate::state::{Command, Outcome, Store};
use crate::task::{Shutdown, TaskGroup};
use openraft::error::CheckIsLeaderError;
use openraft::{BasicNode, ChangeMembers};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// This server's part in the agreement. Dropping it ends its tasks; the data on disk stays valid.
pub struct RaftNode {
    pub(super) raft: Raft,
    /// What the core says of itself; looked at by every read.
    metrics: watch::Receiver<Metrics>,
    news: watch::Receiver<News>,
    pub(super) id: NodeId,
    pub(super) peers: Peers,
    pub(super) lease: Duration,
    lost_after: Duration,
    answering: Answering,
    proposals: Proposals,
    _tasks: TaskGroup,
}

/// How long a server that is alone may take to elect itself.
const ELECTION: Duration = Duration::from_secs(10);

impl RaftNode {
    /// Restores the state from disk and starts. A server with an empty log founds a cluster of its own, unless
    /// it is to wait for others; one that is alone in its cluster leads it when this returns.
    ///
    /// # Errors
    /// The storage cannot be read or is damaged, or the options contradict each other.
    pub async fn start(
        options: RaftOptions,
        store: Arc<Store>,
        transport: Arc<dyn Transport>,
        shutdown: Shutdown,
    ) -> Result<Self, RaftError> {
        Self::start_on(Arc::new(StdFileSystem), options, store, transport, shutdown).await
    }

    /// The same on another file system, which tests break.
    pub(super) async fn start_on(
        system: Arc<dyn FileSystem>,
        options: RaftOptions,
        store: Arc<Store>,
        transport: Arc<dyn Transport>,
        shutdown: Shutdown,
    ) -> Result<Self, RaftError> {
        let peers = Peers::new(transport);
        let opened = open(system, &options, store, peers.clone()).await?;
        let lost_after = options.election_timeout * 2;
        found_or_lead(&opened.raft, &options, lost_after).await?;
        let (batcher, proposals) = Batcher::new(opened.raft.clone());
        let keeper = Keeper {
            raft: opened.raft.clone(),
            window: opened.window,
            snapshot_after: options.compaction.bytes,
        };
        let (raft, pulse) = (opened.raft, Arc::new(Pulse::new()));
        let elections = Elections {
            raft: raft.clone(),
            peers: peers.clone(),
            pulse: pulse.clone(),
            patience: options.election_timeout,
            seed: options.seed,
        };
        let answering = Answering {
            raft: raft.clone(),
            pulse,
            id: options.node_id,
            missed_after: options.election_timeout * 3 / 4,
        };
        let metrics = raft.metrics();
        let (tell, news) = watch::channel(News::default());
        let herald = Herald { metrics: metrics.clone(), news: tell };
        let mut tasks = TaskGroup::new();
        tasks.spawn("raft herald", herald.run());
        tasks.spawn("raft batcher", batcher.run(shutdown.clone()));
        tasks.spawn("raft elections", elections.run(shutdown.clone()));
        tasks.spawn("raft keeper", keeper.run(shutdown));
        let (id, lease) = (options.node_id, options.lease());
        Ok(Self { raft, metrics, news, id, peers, lease, lost_after, answering, proposals, _tasks: tasks })
    }

    /// What another server asks, answered.
    ///
    /// # Errors
    /// The message cannot be read.
    pub async fn answer(&self, message: &[u8]) -> Result<Vec<u8>, MessageError> {
        let envelope = rmp_serde::from_slice(message).map_err(|e| MessageError { reason: e.to_string() })?;
        let reply = self.answering.answer(envelope).await;
        rmp_serde::to_vec_named(&reply).map_err(|e| MessageError { reason: e.to_string() })
    }

    /// Since a leader was heard, this server itself if it leads; nothing if none ever was.
    pub fn last_contact(&self) -> Option<Duration> {
        if self.leads() { Some(Duration::ZERO) } else { self.answering.pulse.last_contact() }
    }

    /// Whether this server leads, has caught up with the leaders before it, and was heard by a majority a moment
    /// ago: one that is cut off does not know yet who leads instead of it.
    pub fn leads(&self) -> bool {
        leads(&self.metrics.borrow(), self.lost_after)
    }

    /// Completes once the command is committed and applied here.
    ///
    /// # Errors
    /// This server does not lead, does not reach a majority, or has stopped.
    pub async fn write(&self, command: Command) -> Result<Outcome, AgreementError> {
        Ok(self.write_at(command).await?.0)
    }

    /// The same, and up to which entry of the log a server must have applied it to see the command.
    ///
    /// # Errors
    /// As [`RaftNode::write`].
    pub async fn write_at(&self, command: Command) -> Result<(Outcome, u64), AgreementError> {
        self.proposals.write(command).await
    }

    /// Completes once the state here holds all that was acknowledged before the call; up to which entry of the log.
    ///
    /// # Errors
    /// This server does not lead, or cannot make sure that it still does.
    pub async fn confirm_leadership(&self) -> Result<u64, AgreementError> {
        use openraft::error::RaftError::{APIError, Fatal};
        match self.raft.ensure_linearizable().await {
            Ok(confirmed) => Ok(confirmed.map_or(0, |id| id.index)),
            Err(APIError(
                CheckIsLeaderError::ForwardToLeader(_) | CheckIsLeaderError::QuorumNotEnough(_),
            )) => Err(AgreementError::NotLeader),
            Err(Fatal(reason)) => Err(AgreementError::Stopped { reason: reason.to_string() }),
        }
    }

    /// Up to which entry a majority has the log, as far as this server knows.
    ///
    /// # Errors
    /// The core has stopped.
    pub async fn committed_log(&self) -> Result<u64, AgreementError> {
        let index = self.raft.with_raft_state(|state| state.committed.map_or(0, |id| id.index)).await;
        index.map_err(|stopped| AgreementError::Stopped { reason: stopped.to_string() })
    }

    /// Whether the log is applied here up to this entry, within this time.
    pub async fn applies(&self, log: u64, within: Duration) -> bool {
        self.raft.wait(Some(within)).applied_index_at_least(Some(log), "what the leader has").await.is_ok()
    }

    /// The leader's address as `ip:port`, while one is known that has caught up with its predecessors.
    pub fn leader(&self) -> Option<String> {
        let metrics = self.metrics.borrow();
        let leader = metrics
            .current_leader
            .filter(|leader| *leader != metrics.id || leads(&metrics, self.lost_after))?;
        metrics.membership_config.membership().get_node(&leader).map(|node| node.addr.clone())
    }

    /// Completes when this server does not believe any more that the one at this address leads.
    pub async fn leader_is_not(&self, address: SocketAddr) {
        let address = address.to_string();
        // Fails where the core has ended, and with it the belief.
        let _ = self.news.clone().wait_for(|news| news.leader.as_ref() != Some(&address)).await;
    }

    /// The addresses of all servers, as `ip:port`.
    pub fn peers(&self) -> Vec<String> {
        let metrics = self.metrics.borrow();
        metrics.membership_config.nodes().map(|(_, node)| node.addr.clone()).collect()
    }

    /// The core has ended, in order or not.
    #[cfg(test)]
    pub(super) fn has_stopped(&self) -> bool {
        self.raft.metrics().borrow().running_state.is_err()
    }

    /// Completes once the core has ended and this server can neither write nor confirm anything any more.
    ///
    /// # Errors
    /// It was not shut down but failed, of its disk for instance: the process must end.
    pub async fn stopped(&self) -> Result<(), RaftError> {
        let mut news = self.news.clone();
        // Fails where nobody tells any more, since this server has been dropped.
        let ended = news.wait_for(|news| news.ended.is_some()).await.map(|news| news.ended.clone());
        ended.ok().flatten().map_or(Ok(()), Ended::result)
    }
}

fn core_error(error: impl std::error::Error) -> RaftError {
    RaftError::Core { reason: error.to_string() }
}

/// It has applied an entry of its own term, and with it all that earlier leaders acknowledged. Were it not heard
/// for as long as the most patient of the others waits, another one may lead.
fn leads(metrics: &Metrics, lost_after: Duration) -> bool {
    let heard = metrics.millis_since_quorum_ack.map(Duration::from_millis);
    metrics.current_leader == Some(metrics.id)
        && heard.is_some_and(|ago| ago < lost_after)
        && metrics.last_applied.is_some_and(|id| is_of(&metrics.vote, &id))
}

async fn found_or_lead(raft: &Raft, options: &RaftOptions, lost_after: Duration) -> Result<(), RaftError> {
    let own = BTreeMap::from([(options.node_id, BasicNode::new(options.address))]);
    let is_new = !raft.is_initialized().await.map_err(core_error)?;
    if is_new && options.founding == Founding::Together {
        return Ok(());
    }
    if is_new {
        raft.initialize(own.clone()).await.map_err(core_error)?;
    }
    if !is_alone(raft, options.node_id).await? {
        return Ok(());
    }
    if !is_new {
        // Nobody else can win, so that there is nothing to wait for.
        raft.trigger().elect().await.map_err(core_error)?;
    }
    let led = raft
        .wait(Some(ELECTION))
        .metrics(|metrics| leads(metrics, lost_after), "leading its own cluster")
        .await;
    led.map_err(|_| RaftError::NotElected { waited: ELECTION })?;
    announce(raft, options, own).await
}

/// Asked of the core itself, since its metrics lag behind.
async fn is_alone(raft: &Raft, id: NodeId) -> Result<bool, RaftError> {
    let alone = raft.with_raft_state(move |state| state.membership_state.effective().voter_ids().eq([id]));
    alone.await.map_err(core_error)
}

/// Tells the log where this server is now.
async fn announce(
    raft: &Raft,
    options: &RaftOptions,
    own: BTreeMap<NodeId, BasicNode>,
) -> Result<(), RaftError> {
    let known = raft.metrics().borrow().membership_config.membership().get_node(&options.node_id).cloned();
    if known.as_ref() != own.get(&options.node_id) {
        let changed = raft.change_membership(ChangeMembers::SetNodes(own), false).await;
        changed.map_err(core_error)?;
    }
    Ok(())
}
