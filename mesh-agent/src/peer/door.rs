use super::acquaintances::Acquaintances;
use super::lead::lead;
use super::question::{CaFault, CaRequest, Fault, ReadConsistency, SignQuestion, WriteAnswer, method};
use super::replica::replicate;
use crate::ca::{CaManager, SignRequest};
use crate::catalog::{Consensus, Later};
use crate::leader::PrimaryState;
use crate::model::{Datacenter, NameError};
use crate::pki::cluster::{NodeIdentity, NodeRole};
use crate::raft::RaftNode;
use crate::rpc::{Call, Handler, Refusal, Reply, decode, encode};
use crate::state::{Command, Store};
use crate::view::{Feed, Standing};
use crate::wire::{PassedAnswer, PassedRequest};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use serde::Serialize;
use std::sync::Arc;

/// Answers the calls of other nodes to this server.
pub struct PeerDoor {
    pub datacenter: Datacenter,
    pub raft: Arc<RaftNode>,
    pub store: Arc<Store>,
    pub agreement: Arc<dyn Consensus>,
    pub ca: Arc<CaManager>,
    pub acquaintances: Arc<Acquaintances>,
    pub pages: Arc<dyn Pages>,
}

/// Answers requests to the API that other nodes pass on.
pub trait Pages: Send + Sync {
    fn answer(&self, request: PassedRequest) -> Later<'_, Result<PassedAnswer, String>>;
}

/// Bytes of a body, by who may send it: servers send snapshots and entries of the log.
const BETWEEN_SERVERS: usize = 64 << 20;
const COMMAND: usize = 2 << 20;
const SMALL: usize = 256 << 10;

impl Handler for PeerDoor {
    fn most(&self, peer: &NodeIdentity, method: &str) -> usize {
        if !peer.datacenter.eq_ignore_ascii_case(self.datacenter.as_str()) {
            return from_elsewhere(peer, method);
        }
        match (method, peer.role) {
            (method::RAFT | method::LEAD | method::WRITE, NodeRole::Server)
            | (method::API, NodeRole::Server | NodeRole::Client) => BETWEEN_SERVERS,
            (method::WRITE, NodeRole::Client) => COMMAND,
            (
                method::NEWEST | method::FOLLOW | method::SIGN | method::CONFIGURE_CA | method::STATUS,
                NodeRole::Server | NodeRole::Client,
            ) => SMALL,
            _ => 0,
        }
    }

    fn answer(&self, call: Call) -> BoxFuture<'_, Result<Reply, Refusal>> {
        Box::pin(async move {
            let body = &call.body[..];
            match call.method.as_str() {
                method::RAFT => self.raft(body).await,
                method::LEAD => one(&lead(&self.raft, question(body)?).await),
                method::WRITE => one(&self.write(question(body)?).await),
                method::NEWEST => one(&self.newest(question(body)?).await),
                method::FOLLOW => Ok(self.follow(question(body)?)),
                method::SIGN => one(&self.sign(&call, question(body)?).await),
                method::CONFIGURE_CA => one(&self.configure(question(body)?).await),
                method::API => one(&self.pages.answer(question(body)?).await),
                method::REPLICATE => one(&self.replicate(question(body)?).await),
                method::SIGN_INTERMEDIATE => one(&self.sign_intermediate(&call, question(body)?).await),
                method::STATUS => one(&self.acquaintances.introduction()),
                other => Err(Refusal::new(format!("this server knows no method {other:?}"))),
            }
        })
    }
}

/// Servers of other datacenters pass on what their own callers ask of this one, and follow the primary.
fn from_elsewhere(peer: &NodeIdentity, method: &str) -> usize {
    match (method, peer.role) {
        (method::API, NodeRole::Server) => BETWEEN_SERVERS,
        (method::REPLICATE | method::SIGN_INTERMEDIATE, NodeRole::Server) => SMALL,
        _ => 0,
    }
}

fn question<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    decode("a question", body).map_err(|error| Refusal::new(error.to_string()))
}

fn one<T: Serialize>(answer: &T) -> Result<Reply, Refusal> {
    encode("an answer", answer).map(Reply::One).map_err(|error| Refusal::new(error.to_string()))
}

impl PeerDoor {
    async fn raft(&self, message: &[u8]) -> Result<Reply, Refusal> {
        let answer = self.raft.answer(message).await.map_err(|error| Refusal::new(error.to_string()))?;
        Ok(Reply::One(answer.into()))
    }

    async fn write(&self, command: Command) -> Result<WriteAnswer, Fault> {
        let outcome = self.agreement.write(command).await?;
        Ok(WriteAnswer { outcome, viewed: self.store.state().viewed_index() })
    }

    async fn newest(&self, consistency: ReadConsistency) -> Result<u64, Fault> {
        self.agreement.catch_up(consistency.into()).await?;
        Ok(self.store.state().viewed_index())
    }

    /// Frames until the follower goes.
    fn follow(&self, at_least: u64) -> Reply {
        let agreement = self.agreement.clone();
        let report = move || Standing {
            leader: agreement.leader(),
            servers: agreement.peers(),
            last_contact: agreement.last_contact().unwrap_or_default(),
        };
        let feed = Feed::new(self.store.clone(), Arc::new(report), at_least);
        let frames = stream::unfold(feed, |mut feed| async {
            let frame = encode("a frame of the view", &feed.next().await).ok()?;
            Some((frame, feed))
        });
        Reply::Frames(frames.map(Bytes::from).boxed())
    }

    async fn sign(&self, call: &Call, asked: SignQuestion) -> Result<String, CaFault> {
        let requester = call.peer.id.map_or_else(|| call.address.ip().to_string(), |id| id.to_string());
        let request = SignRequest { csr_pem: &asked.csr_pem, service: &asked.service, requester: &requester };
        Ok(self.ca.sign(request).await?.chain.to_pem())
    }

    async fn replicate(&self, above: u64) -> Result<PrimaryState, Fault> {
        replicate(&self.store, &self.agreement, above).await
    }

    /// For the datacenter that the caller's certificate names.
    async fn sign_intermediate(&self, call: &Call, csr_pem: String) -> Result<String, CaFault> {
        let unnamed = |error: NameError| CaFault { refused: true, reason: error.to_string() };
        let datacenter = Datacenter::new(&call.peer.datacenter).map_err(unnamed)?;
        Ok(self.ca.sign_intermediate(&csr_pem, &datacenter).await?)
    }

    async fn configure(&self, asked: CaRequest) -> Result<(), CaFault> {
        Ok(self.ca.set_configuration(&asked.provider, &asked.config).await?)
    }
}
