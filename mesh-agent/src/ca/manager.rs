use super::active::{Active, sign_and_check, template};
use super::configure::Wish;
use super::{CaError, CaSettings, CaStore, CsrLimiter};
use crate::clock::Clock;
use crate::model::{CaConfig, Datacenter, Opaque, ServiceName};
use crate::pki::{CertChain, Csr, SpiffeId, TrustDomain};
use std::sync::{Arc, Mutex, PoisonError};

/// A request to sign, with what its caller knows.
#[derive(Clone, Copy, Debug)]
pub struct SignRequest<'a> {
    pub csr_pem: &'a str,
    /// The service that the caller's token may write.
    pub service: &'a ServiceName,
    /// Whom the request counts against when there are many: a node, or a client's address.
    pub requester: &'a str,
}

/// A leaf that was signed.
#[derive(Clone, Debug)]
pub struct SignedLeaf {
    pub chain: CertChain,
    /// The root that signed it.
    pub root_id: String,
}

/// Owns the CA on the leader.
pub struct CaManager {
    pub(super) store: Arc<dyn CaStore>,
    pub(super) datacenter: Datacenter,
    clock: Clock,
    limiter: CsrLimiter,
    /// Opened once for each index of the CA's state.
    opened: Mutex<Option<Arc<Active>>>,
}

impl CaManager {
    pub fn new(store: Arc<dyn CaStore>, datacenter: Datacenter, clock: Clock) -> Self {
        Self { store, datacenter, clock, limiter: CsrLimiter::default(), opened: Mutex::default() }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now().seconds()
    }

    pub(super) fn active(&self) -> Result<Arc<Active>, CaError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let index = self.store.view().index;
        if let Some(active) = opened.as_ref().filter(|a| a.view.index == index) {
            return Ok(active.clone());
        }
        let active = Arc::new(Active::open(&*self.store)?);
        *opened = Some(active.clone());
        Ok(active)
    }

    /// Makes the first root if there is none; every new leader calls it.
    ///
    /// # Errors
    /// The configuration is not valid, or the state could not be written.
    pub async fn initialise(&self, provider: &str, config: &Opaque) -> Result<(), CaError> {
        let settings = CaSettings::parse(provider, config)?;
        self.carry_out(&Wish::First { provider: provider.to_owned(), settings }).await
    }

    /// Plans and stores, anew where somebody else's change came between.
    pub(super) async fn carry_out(&self, wish: &Wish) -> Result<(), CaError> {
        const ATTEMPTS: usize = 5;
        if self.store.provider().is_some_and(|state| state.intermediate_pem.is_some()) {
            return Err(CaError::Secondary);
        }
        let mut left = ATTEMPTS;
        loop {
            let Some(change) = self.plan(wish).await? else { return Ok(()) };
            left -= 1;
            match self.store.set(change).await {
                Err(error) if error.is_conflict() && left > 0 => {}
                result => return Ok(result?),
            }
        }
    }

    /// A certificate for the service in the request, built from policy.
    ///
    /// # Errors
    /// The request is malformed, names another trust domain, datacenter or service than it may, too many
    /// wait, or the CA cannot sign.
    pub async fn sign(&self, request: SignRequest<'_>) -> Result<SignedLeaf, CaError> {
        let signed = self.sign_checked(request).await;
        match &signed {
            Ok(_) => metrics::counter!("ca.signed").increment(1),
            Err(error) => {
                metrics::counter!("ca.refused").increment(1);
                tracing::warn!(%error, requester = request.requester, service = %request.service, "a certificate request was not signed");
            }
        }
        signed
    }

    async fn sign_checked(&self, request: SignRequest<'_>) -> Result<SignedLeaf, CaError> {
        let csr = Csr::from_pem(request.csr_pem)?;
        self.check(csr.identity(), &self.active()?.trust_domain, request.service)?;
        self.admit(request.requester).await?;
        // Opened again: it may have been rotated during the wait.
        let active = self.active()?;
        let _permit = match &active.concurrent {
            Some(limit) => limit.acquire().await.ok(),
            None => None,
        };
        let now = self.now();
        let leaf = template(&active, &csr, now)?;
        let chain = sign_and_check(&*active.provider, &leaf, &active.intermediates(), now).await?;
        Ok(SignedLeaf { chain, root_id: active.root().id.clone() })
    }

    fn check(&self, identity: &SpiffeId, ours: &TrustDomain, allowed: &ServiceName) -> Result<(), CaError> {
        let identity = identity.clone();
        if identity.trust_domain != *ours {
            return Err(CaError::TrustDomain { identity, ours: ours.clone() });
        }
        if identity.datacenter != self.datacenter {
            return Err(CaError::Datacenter { identity, ours: self.datacenter.clone() });
        }
        if identity.service != *allowed {
            return Err(CaError::Service { identity, allowed: allowed.clone() });
        }
        Ok(())
    }

    pub(super) async fn admit(&self, requester: &str) -> Result<(), CaError> {
        match self.active()?.settings.csr_max_per_second {
            0 => Ok(()),
            rate => Ok(self.limiter.admit(requester, rate).await?),
        }
    }

    /// The trust domain, once there is one.
    ///
    /// # Errors
    /// There is no root yet.
    pub fn trust_domain(&self) -> Result<TrustDomain, CaError> {
        let config = self.store.view().config.ok_or(CaError::NotInitialised)?;
        Ok(TrustDomain::of_cluster(config.cluster_id))
    }

    /// The configuration in force, made anew from its settings so that no private key can be in it.
    ///
    /// # Errors
    /// There is none yet.
    pub fn configuration(&self) -> Result<CaConfig, CaError> {
        let config = self.store.view().config.ok_or(CaError::NotInitialised)?;
        let settings = CaSettings::parse(&config.provider, &config.config)?;
        Ok(CaConfig { config: settings.to_opaque(), ..CaConfig::clone(&config) })
    }
}
