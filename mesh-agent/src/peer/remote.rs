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
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Tells which servers there are, as far as this node knows.
pub type KnownServers = Arc<dyn Fn() -> Vec<SocketAddr> + Send + Sync>;

/// How many servers are asked before a call fails.
const ATTEMPTS: usize = 3;

/// The servers, as a client agent calls them: one of them, until it fails.
#[derive(Clone)]
pub struct RemoteServers {
    pub(super) pool: Pool,
    known: KnownServers,
    current: Arc<Mutex<Option<SocketAddr>>>,
}

impl RemoteServers {
    pub fn new(pool: Pool, known: KnownServers) -> Self {
        Self { pool, known, current: Arc::default() }
    }

    /// The server in use, or another one, chosen by chance so that agents spread over them.
    pub(super) fn server(&self) -> Option<SocketAddr> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.is_none() {
            *current = (self.known)().choose(&mut rand::rng()).copied();
        }
        *current
    }

    /// The server in use has failed: another is chosen, if another is known.
    pub(super) fn leave(&self, failed: SocketAddr) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if *current == Some(failed) {
            let mut others = (self.known)();
            others.retain(|server| *server != failed);
            *current = others.choose(&mut rand::rng()).copied();
        }
    }

    /// Asks one server, and others while none can have taken the question; a read may be asked again anyway.
    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        method: &'static str,
        question: &Q,
        is_read: bool,
    ) -> Result<A, Unanswered> {
        let mut last = Unanswered::NoServer;
        for _ in 0..ATTEMPTS {
            let Some(server) = self.server() else { return Err(last) };
            match self.pool.call(server, method, question, method::ASK).await {
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
        let Some(server) = self.server() else { return Err(Unanswered::NoServer.to_string()) };
        let passed = pass_on(&self.pool, server, request, patience).await;
        if passed.is_err() {
            self.leave(server);
        }
        passed
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
