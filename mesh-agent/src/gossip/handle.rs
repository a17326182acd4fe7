use super::driver::Command;
use super::engine::{OrderReport, Places};
use super::keys::KeyringReport;
use super::message::Order;
use super::roster::Members;
use super::rumours::UserEvent;
use super::{GossipError, GossipKey, Member};
use crate::model::{Coordinate, NodeName};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};

/// What the rest of the agent has of the list of members. Clones share it.
#[derive(Clone)]
pub struct Gossip {
    commands: mpsc::Sender<Command>,
    members: watch::Receiver<Arc<Members>>,
    placed: Placed,
    events: Arc<Mutex<Option<mpsc::Receiver<UserEvent>>>>,
}

/// Where members stand in the network.
#[derive(Clone)]
pub(super) struct Placed {
    pub own: watch::Receiver<Coordinate>,
    pub others: watch::Receiver<Arc<Places>>,
}

/// Events that wait until somebody takes them.
pub(super) const EVENTS: usize = 256;

/// What came of joining several addresses.
#[derive(Debug, Default)]
pub struct Joins {
    /// Those who answered.
    pub joined: Vec<NodeName>,
    /// Each names its address.
    pub failed: Vec<GossipError>,
}

impl Gossip {
    pub(super) fn new(
        commands: mpsc::Sender<Command>,
        members: watch::Receiver<Arc<Members>>,
        placed: Placed,
        events: mpsc::Receiver<UserEvent>,
    ) -> Self {
        Self { commands, members, placed, events: Arc::new(Mutex::new(Some(events))) }
    }

    /// Everybody, as of now.
    pub fn members(&self) -> Arc<Members> {
        self.members.borrow().clone()
    }

    /// Everybody, and each change.
    pub fn watch(&self) -> watch::Receiver<Arc<Members>> {
        self.members.clone()
    }

    /// Where this agent stands in the network, as probes show it, and each move.
    pub fn place(&self) -> watch::Receiver<Coordinate> {
        self.placed.own.clone()
    }

    /// Where the others stand, as they have said themselves; in a pool across datacenters alone.
    pub fn places(&self) -> Arc<Places> {
        self.placed.others.borrow().clone()
    }

    /// What others fire, each once. The first caller has them.
    pub fn take_events(&self) -> Option<mpsc::Receiver<UserEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Greets whoever is at one of these addresses, all at once; `host` or `host:port`.
    pub async fn join(&self, addresses: &[String], default_port: u16) -> Joins {
        let all = addresses.iter().map(|address| self.join_one(address, default_port));
        let mut joins = Joins::default();
        for (joined, failed) in futures_util::future::join_all(all).await {
            joins.joined.extend(joined);
            joins.failed.extend(failed);
        }
        joins
    }

    async fn join_one(&self, address: &str, default_port: u16) -> (Vec<NodeName>, Vec<GossipError>) {
        let found = match resolve(address, default_port).await {
            Ok(found) => found,
            Err(error) => return (Vec::new(), vec![error]),
        };
        let all = found.into_iter().map(|address| self.greet(address));
        let (mut joined, mut failed) = (Vec::new(), Vec::new());
        for outcome in futures_util::future::join_all(all).await {
            match outcome {
                Ok(name) => joined.push(name),
                Err(error) => failed.push(error),
            }
        }
        (joined, failed)
    }

    async fn greet(&self, address: SocketAddr) -> Result<NodeName, GossipError> {
        self.ask(|reply| Command::Join(address, reply)).await?
    }

    /// Tells the others, then ends. Returns when they have been told.
    pub async fn leave(&self) {
        // One that has ended has left.
        let _ = self.ask(Command::Leave).await;
    }

    /// Says of a member that it left, and with `prune` that it is not to be shown any more.
    ///
    /// # Errors
    /// There is none of that name.
    pub async fn force_leave(&self, name: &str, prune: bool) -> Result<(), GossipError> {
        let name = name.to_owned();
        self.ask(|reply| Command::ForceLeave { name, prune, reply }).await?
    }

    /// Tells others something new of this agent. Its address and port stay as they were.
    ///
    /// # Errors
    /// It does not fit into a datagram.
    pub async fn change(&self, member: Member) -> Result<(), GossipError> {
        self.ask(|reply| Command::Change(Box::new(member), reply)).await?
    }

    /// Tells everybody once.
    ///
    /// # Errors
    /// It does not fit into a datagram.
    pub async fn fire(&self, event: UserEvent) -> Result<(), GossipError> {
        self.ask(|reply| Command::Fire(event, reply)).await?
    }

    /// The keys that members have.
    ///
    /// # Errors
    /// This agent has left.
    pub async fn list_keys(&self) -> Result<KeyringReport, GossipError> {
        Ok(KeyringReport::of(self.order(Order::List).await?))
    }

    /// Has every member take a key, which opens and does not seal yet.
    ///
    /// # Errors
    /// Some did not: it may be ordered again.
    pub async fn install_key(&self, key: &GossipKey) -> Result<KeyringReport, GossipError> {
        KeyringReport::of(self.order(Order::Install(key.to_text())).await?).complete()
    }

    /// Has every member seal with a key. None does before all have it, or those without would be cut off.
    ///
    /// # Errors
    /// A member does not have it or did not answer.
    pub async fn use_key(&self, key: &GossipKey) -> Result<KeyringReport, GossipError> {
        let report = self.list_keys().await?.complete()?;
        report.has_everywhere(key)?;
        KeyringReport::of(self.order(Order::Use(key.to_text())).await?).complete()
    }

    /// Has every member forget a key.
    ///
    /// # Errors
    /// A member seals with it or did not answer.
    pub async fn remove_key(&self, key: &GossipKey) -> Result<KeyringReport, GossipError> {
        let report = self.list_keys().await?.complete()?;
        report.is_primary_nowhere(key)?;
        KeyringReport::of(self.order(Order::Remove(key.to_text())).await?).complete()
    }

    async fn order(&self, order: Order) -> Result<OrderReport, GossipError> {
        self.ask(|reply| Command::Order(order, reply)).await
    }

    async fn ask<R>(&self, command: impl FnOnce(oneshot::Sender<R>) -> Command) -> Result<R, GossipError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| GossipError::Stopped)?;
        answer.await.map_err(|_| GossipError::Stopped)
    }
}

/// Most addresses of one name.
const MOST_ADDRESSES: usize = 16;

async fn resolve(address: &str, default_port: u16) -> Result<Vec<SocketAddr>, GossipError> {
    let failed =
        |reason: String| GossipError::Resolve { address: address.chars().take(255).collect(), reason };
    let found = match (address.parse::<SocketAddr>(), address.parse()) {
        (Ok(socket), _) => vec![socket],
        (_, Ok(ip)) => vec![SocketAddr::new(ip, default_port)],
        _ => {
            let with_port = match address.rsplit_once(':') {
                Some((_, port)) if port.parse::<u16>().is_ok() => address.to_owned(),
                _ => format!("{address}:{default_port}"),
            };
            let looked_up = tokio::net::lookup_host(with_port).await;
            looked_up.map_err(|error| failed(error.to_string()))?.take(MOST_ADDRESSES).collect()
        }
    };
    if found.is_empty() { Err(failed("the name has none".to_owned())) } else { Ok(found) }
}
