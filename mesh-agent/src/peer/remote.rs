use super::question::{CaFault, CaRequest, Fault, ReadConsistency, SignQuestion, WriteAnswer, method};
use crate::ca::CaError;
use crate::catalog::{ConsensusError, Consistency, Later, Servers, Written};
use crate::leaf::{CertSigner, SignerError, SigningRequest};
use crate::rpc::{Pool, RpcError};
use crate::state::Command;
use crate::wire::{PassedAnswer, PassedRequest};
use futures_util::future::BoxFuture;
use rand::seq::IndexedRandom;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Tells which servers there are, as far as this node knows.
pub type KnownServers = Arc<dyn Fn() -> Vec<SocketAddr> + Send + Sync>;

/// How many servers are asked before a call fails.
const ATTEMPTS: usize = 3;

/// The servers, as a client agent calls them: one of them, until it fails.
#[derive(Clone)]
pub struct RemoteServers {
    pub(super) pool: Pool,
    known: KnownServers,
    current: watch::Sender<Option<SocketAddr>>,
}

impl RemoteServers {
    pub fn new(pool: Pool, known: KnownServers) -> Self {
        Self { pool, known, current: watch::Sender::new(None) }
    }

    /// The server in use, or another one, chosen by chance so that agents spread over them.
    pub(super) fn server(&self) -> Option<SocketAddr> {
        let known = *self.current.borrow();
        if known.is_some() {
            return known;
        }
        self.current.send_if_modified(|current| {
            let chosen = (self.known)().choose(&mut rand::rng()).copied();
            current.is_none() && std::mem::replace(current, chosen) != chosen
        });
        *self.current.borrow()
    }

    /// The server in use has failed: another is chosen, if another is known.
    pub(super) fn leave(&self, failed: SocketAddr) {
        self.current.send_if_modified(|current| {
            let leaves = *current == Some(failed);
            if leaves {
                let mut others = (self.known)();
                others.retain(|server| *server != failed);
                *current = others.choose(&mut rand::rng()).copied();
            }
            leaves
        });
    }

    /// Completes when this server is not the one in use any more.
    async fn left(&self, server: SocketAddr) {
        let mut current = self.current.subscribe();
        // The sender lives as long as this does.
        let _ = current.wait_for(|current| *current != Some(server)).await;
    }

    /// Asks this server. A read is given up when somebody has found out that the server is of no use now.
    async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        server: SocketAddr,
        method: &'static str,
        question: &Q,
        (is_read, patience): (bool, Duration),
    ) -> Result<A, RpcError> {
        let began = Instant::now();
        let left = async {
            match is_read {
                true => self.left(server).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            answer = self.pool.call(server, method, question, patience) => answer,
            () = left => Err(RpcError::Deadline { peer: server, method, waited: began.elapsed() }),
        }
    }

    /// Asks one server, and others while none can have taken the question; a read may be asked again anyway.
    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        method: &'static str,
        question: &Q,
        is_read: bool,
    ) -> Result<A, Unanswered> {
        self.ask_patiently(method, question, (is_read, method::ASK)).await
    }

    /// The same, where the question itself may wait at the server.
    async fn ask_patiently<Q: Serialize, A: DeserializeOwned>(
        &self,
        method: &'static str,
        question: &Q,
        (is_read, patience): (bool, Duration),
    ) -> Result<A, Unanswered> {
        let mut last = Unanswered::NoServer;
        for _ in 0..ATTEMPTS {
            let Some(server) = self.server() else { return Err(last) };
            match self.call(server, method, question, (is_read, patience)).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    self.leave(server);
                    let again = is_read || !error.may_have_been_taken();
                    last = Unanswered::Failed(error);
                    if !again {
                        return Err(last);
                    }
                }
            }
        }
        Err(last)
    }

    /// Passes on a request to the API, which may wait for `patience` at the server.
    ///
    /// # Errors
    /// No server answers, or none can.
    pub async fn pass_on(&self, request: &PassedRequest, patience: Duration) -> Result<PassedAnswer, String> {
        let how = (request.is_read(), method::ASK + patience);
        let passed: Result<Result<PassedAnswer, String>, _> =
            self.ask_patiently(method::API, request, how).await;
        passed.unwrap_or_else(|unanswered| Err(unanswered.to_string()))
    }

    /// Changes how the servers' CA signs.
    ///
    /// # Errors
    /// It was refused, or no server answers.
    pub async fn configure_ca(&self, request: &CaRequest) -> Result<(), CaError> {
        let answer: Result<Result<(), CaFault>, _> = self.ask(method::CONFIGURE_CA, request, false).await;
        match answer {
            Ok(done) => Ok(done?),
            Err(unanswered) => Err(CaError::Elsewhere { refused: false, reason: unanswered.to_string() }),
        }
    }
}

/// Passes on a request to the API to this server.
///
/// # Errors
/// It does not answer, or cannot.
pub async fn pass_on(
    pool: &Pool,
    server: SocketAddr,
    request: &PassedRequest,
    patience: Duration,
) -> Result<PassedAnswer, String> {
    let answer = pool.call(server, method::API, request, method::ASK + patience).await;
    answer.unwrap_or_else(|error| Err(error.to_string()))
}

/// Why no server has answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("no server is known: give -join or -retry-join the address of one")]
    NoServer,
    #[error("no server answers: {0}")]
    Failed(RpcError),
}

impl From<Unanswered> for ConsensusError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Failed(error) if error.may_have_been_taken() => {
                tracing::warn!(%error, "a server was asked and did not answer");
                Self::Unconfirmed { waited: method::ASK }
            }
            unanswered => {
                tracing::debug!(%unanswered, "no server could be asked");
                Self::NoLeader
            }
        }
    }
}

impl Servers for RemoteServers {
    fn write(&self, command: Command) -> Later<'_, Result<Written, ConsensusError>> {
        Box::pin(async move {
            let answer: Result<WriteAnswer, Fault> = self.ask(method::WRITE, &command, false).await?;
            let WriteAnswer { outcome, viewed } = answer?;
            Ok(Written { outcome, viewed })
        })
    }

    fn newest(&self, consistency: Consistency) -> Later<'_, Result<u64, ConsensusError>> {
        Box::pin(async move {
            let consistency = ReadConsistency::from(consistency);
            let answer: Result<u64, Fault> = self.ask(method::NEWEST, &consistency, true).await?;
            Ok(answer?)
        })
    }
}

impl CertSigner for RemoteServers {
    fn sign(&self, request: SigningRequest) -> BoxFuture<'_, Result<String, SignerError>> {
        Box::pin(async move {
            let SigningRequest { service, csr_pem } = request;
            let question = SignQuestion { service, csr_pem };
            // Signing twice does no harm: the key is the same, and the first certificate is lost.
            let answer: Result<Result<String, CaFault>, _> = self.ask(method::SIGN, &question, true).await;
            match answer {
                Ok(signed) => Ok(signed?),
                Err(unanswered) => Err(SignerError::Unavailable { reason: unanswered.to_string() }),
            }
        })
    }
}
