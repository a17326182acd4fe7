use crate::state::{Command, Outcome, Query, Refusal, State, Store, Topic, TxnOperation, TxnResult};
use crate::stream::Watch;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A boxed future, so that the consensus below can be any.
pub type Later<'a, T> = BoxFuture<'a, T>;

/// What the facade needs of the servers' agreement. `raft` provides it.
pub trait Consensus: Send + Sync {
    /// Completes once the command is committed and applied here.
    fn write(&self, command: Command) -> Later<'_, Result<Outcome, ConsensusError>>;
    /// Completes once a read of the local state is as fresh as asked for.
    fn catch_up(&self, consistency: Consistency) -> Later<'_, Result<(), ConsensusError>>;
    /// Whether it is that fresh already, for all that can be known without waiting.
    fn is_fresh(&self, consistency: Consistency) -> bool {
        consistency == Consistency::Stale
    }
    /// What every reader is told.
    fn contact(&self) -> Contact {
        Contact { known_leader: self.leader().is_some(), last: self.last_contact() }
    }
    /// The leader's RPC address as `ip:port`, while one is known.
    fn leader(&self) -> Option<String>;
    /// The RPC addresses of all servers.
    fn peers(&self) -> Vec<String>;
    /// Since the leader was heard of; nothing if it never was.
    fn last_contact(&self) -> Option<Duration>;
}

/// How this node stands to the leader.
#[derive(Clone, Copy, Debug)]
pub struct Contact {
    pub known_leader: bool,
    /// Since it was heard of; nothing if it never was.
    pub last: Option<Duration>,
}

/// Why the servers could not agree on a write or a read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConsensusError {
    #[error("No cluster leader: wait for an election, or check that a majority of servers runs")]
    NoLeader,
    /// It may take effect later, or never.
    #[error(
        "the write was not confirmed within {waited:?} and may still take effect: read before trying again"
    )]
    Unconfirmed { waited: Duration },
    #[error(
        "this agent's view of the catalog is behind the servers' for {waited:?}: ask with ?stale for what it has, or look for a server that does not answer in its log"
    )]
    Lagging { waited: Duration },
    #[error("the server is shutting down or its Raft log failed: {reason}")]
    Stopped { reason: String },
}

/// Why a request to the facade failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CatalogError {
    #[error(transparent)]
    Consensus(#[from] ConsensusError),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// The leader's state, without asking the others.
    #[default]
    Default,
    /// Linearizable.
    Consistent,
    /// Any server's state.
    Stale,
}

/// How to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    pub consistency: Consistency,
    /// Wait until the answer's index is above this one …
    pub above: Option<u64>,
    /// … but no longer than this.
    pub wait: Duration,
}

/// An answer with what its reader should know about it.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    pub index: u64,
    pub known_leader: bool,
    pub last_contact: Duration,
    pub value: T,
}

impl<T> Reply<T> {
    /// The same answer in another form.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Reply<U> {
        let Self { index, known_leader, last_contact, value } = self;
        Reply { index, known_leader, last_contact, value: convert(value) }
    }
}

/// What readers are told where no leader was ever heard of: they look for something long ago.
const NEVER: Duration = Duration::from_secs(3600);

/// How often whoever waits for the state asks for it.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// The facade over a server's own state, or a client agent's view of it.
#[derive(Clone)]
pub struct Catalog {
    store: Arc<Store>,
    consensus: Arc<dyn Consensus>,
}

impl Catalog {
    pub fn new(store: Arc<Store>, consensus: Arc<dyn Consensus>) -> Self {
        Self { store, consensus }
    }

    /// # Errors
    /// There is no leader, or the state machine refused the command.
    pub async fn write(&self, command: Command) -> Result<u64, CatalogError> {
        match self.consensus.write(command).await? {
            Outcome::Done { index } | Outcome::Transaction { index, .. } => Ok(index),
            Outcome::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// The same for a command with a condition: `false` where that does not hold.
    ///
    /// # Errors
    /// As [`Catalog::write`].
    pub async fn write_if(&self, command: Command) -> Result<bool, CatalogError> {
        match self.write(command).await {
            Ok(_) => Ok(true),
            Err(CatalogError::Refused(refusal)) if refusal.is_unmet_condition() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All operations or none; what they have found or made.
    ///
    /// # Errors
    /// As [`Catalog::write`]; [`Refusal::RolledBack`] says what was wrong with which operation.
    pub async fn transact(&self, operations: Vec<TxnOperation>) -> Result<Vec<TxnResult>, CatalogError> {
        match self.consensus.write(Command::Txn(operations)).await? {
            Outcome::Transaction { results, .. } => Ok(results),
            Outcome::Done { .. } => Ok(Vec::new()),
            Outcome::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// Answers at once, or, with `above`, when the answer has changed or the time is over.
    ///
    /// # Errors
    /// A consistency was asked that cannot be had without a leader.
    pub async fn read<Q: Query>(
        &self,
        query: &Q,
        options: &ReadOptions,
    ) -> Result<Reply<Q::Output>, CatalogError> {
        if !self.consensus.is_fresh(options.consistency) {
            self.consensus.catch_up(options.consistency).await?;
        }
        let topics = query.topics();
        if let Some(above) = options.above {
            self.wait_above(&topics, above, options.wait).await;
        }
        let (state, contact) = (self.store.state(), self.consensus.contact());
        Ok(Reply {
            index: state.index_of(&topics),
            known_leader: contact.known_leader,
            last_contact: contact.last.unwrap_or(NEVER),
            value: query.run(&state),
        })
    }

    /// Registered before the state is read, so that no write between the two is missed.
    async fn wait_above(&self, topics: &[Topic], above: u64, wait: Duration) {
        let watch = self.store.watch(topics);
        let newer = async {
            let mut seen = above;
            while self.store.state().index_of(topics) <= above {
                seen = watch.changed(seen).await;
            }
        };
        // A time-out is an ordinary answer: the unchanged state.
        let _ = tokio::time::timeout(wait, newer).await;
    }

    /// Completes once the state is as new as the leader's was, or, where nobody could be asked for `patience`, with
    /// what is kept of it; never with nothing. A server that just begins has an old state, or none: how far its log
    /// is agreed on, the others must tell it.
    pub async fn known(&self, patience: Duration) {
        let began = Instant::now();
        loop {
            let asked = tokio::time::timeout(patience, self.consensus.catch_up(Consistency::Consistent));
            let is_new = matches!(asked.await, Ok(Ok(())));
            if is_new || (began.elapsed() >= patience && self.state().applied() > 0) {
                return;
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// The state as this node sees it now.
    pub fn state(&self) -> Arc<State> {
        self.store.state()
    }

    /// For those who keep a view of their own: register, read [`Catalog::state`], wait.
    pub fn watch(&self, topics: &[Topic]) -> Watch<Topic> {
        self.store.watch(topics)
    }

    pub fn leader(&self) -> Option<String> {
        self.consensus.leader()
    }

    pub fn peers(&self) -> Vec<String> {
        self.consensus.peers()
    }
}
