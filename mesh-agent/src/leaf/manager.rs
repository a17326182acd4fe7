use super::entry::Subscription;
use super::{CertSigner, LeafError, LeafKeeper};
use crate::clock::Clock;
use crate::model::{Datacenter, IssuedCert, ServiceName};
use crate::state::CaView;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// How long somebody waits for a first certificate.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// Requests to the keeper that may queue.
const QUEUE: usize = 256;

/// How certificates are kept.
#[derive(Clone, Debug)]
pub struct LeafOptions {
    pub datacenter: Datacenter,
    /// Where certificates survive a restart; `None` keeps them in memory alone.
    pub directory: Option<PathBuf>,
    pub clock: Clock,
    /// Seeds the jitter.
    pub seed: u64,
    /// Services that may have a certificate here, at most.
    pub max_services: usize,
}

impl LeafOptions {
    pub fn new(datacenter: Datacenter, directory: Option<PathBuf>) -> Self {
        Self { datacenter, directory, clock: Clock::System, seed: rand::random(), max_services: 4096 }
    }
}

/// Gives certificates to whoever asks; a [`LeafKeeper`] does the work.
#[derive(Clone)]
pub struct LeafManager {
    wants: mpsc::Sender<Want>,
    roots: watch::Receiver<CaView>,
    clock: Clock,
}

/// Somebody wants to follow a service's certificate.
pub(super) struct Want {
    pub(super) service: ServiceName,
    pub(super) reply: oneshot::Sender<Result<Subscription, LeafError>>,
}

impl LeafManager {
    /// Certificates are verified against the roots in `roots`, and asked for again when those change.
    pub fn new(
        options: LeafOptions,
        signer: Arc<dyn CertSigner>,
        roots: watch::Receiver<CaView>,
    ) -> (Self, LeafKeeper) {
        let (sender, wants) = mpsc::channel(QUEUE);
        let manager = Self { wants: sender, roots: roots.clone(), clock: options.clock.clone() };
        (manager, LeafKeeper::new(options, signer, roots, wants))
    }

    /// The service's certificate: `None` until there is one, and again if its time ends without another.
    /// While somebody holds the receiver, it is renewed.
    ///
    /// # Errors
    /// Too many services, or the agent is shutting down.
    pub async fn get(
        &self,
        service: &ServiceName,
    ) -> Result<watch::Receiver<Option<Arc<IssuedCert>>>, LeafError> {
        Ok(self.subscribe(service).await?.cert)
    }

    /// A valid certificate whose index is above `min_index`; after `wait`, the one that there is.
    ///
    /// # Errors
    /// There is none and the CA refuses, or there was none within ten seconds.
    pub async fn fetch(
        &self,
        service: &ServiceName,
        min_index: u64,
        wait: Duration,
    ) -> Result<Arc<IssuedCert>, LeafError> {
        let mut follow = self.subscribe(service).await?;
        let start = Instant::now();
        loop {
            let found = self.valid(&mut follow);
            if let Some(cert) = found.as_ref().filter(|c| c.index.modify > min_index) {
                return Ok(cert.clone());
            }
            let refusal = follow.failure.borrow_and_update().clone().filter(LeafError::is_refusal);
            if let (None, Some(refusal)) = (&found, refusal) {
                return Err(refusal);
            }
            let until = start + if found.is_some() { wait } else { FIRST_WAIT };
            tokio::select! {
                changed = follow.cert.changed() => changed.map_err(|_| LeafError::Stopped)?,
                changed = follow.failure.changed() => changed.map_err(|_| LeafError::Stopped)?,
                () = tokio::time::sleep_until(until) => {
                    return self.valid(&mut follow).ok_or_else(|| self.why_none(service, &follow));
                }
            }
        }
    }

    fn valid(&self, follow: &mut Subscription) -> Option<Arc<IssuedCert>> {
        let now = self.clock.now().seconds();
        follow.cert.borrow_and_update().clone().filter(|c| c.valid_before > now)
    }

    fn why_none(&self, service: &ServiceName, follow: &Subscription) -> LeafError {
        let (service, seconds) = (service.clone(), FIRST_WAIT.as_secs());
        let failure = follow.failure.borrow().clone();
        failure.unwrap_or_else(|| match self.roots.borrow().roots.is_empty() {
            true => LeafError::NoRoots { service, seconds },
            false => LeafError::NotYet { service, seconds },
        })
    }

    async fn subscribe(&self, service: &ServiceName) -> Result<Subscription, LeafError> {
        let (reply, answer) = oneshot::channel();
        let want = Want { service: service.clone(), reply };
        self.wants.send(want).await.map_err(|_| LeafError::Stopped)?;
        answer.await.map_err(|_| LeafError::Stopped)?
    }
}
