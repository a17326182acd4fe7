use super::builtin::new_key;
use super::{
    BuiltinCa, CaChange, CaError, CaManager, CaProvider, IntermediateTemplate, LeafTemplate, ProviderError,
};
use crate::model::{CaConfig, CaProviderState, CaRoot, Datacenter, RaftIndex, ServiceName};
use crate::pki::{
    CertChain, IntermediateCsr, KeyKind, PkiError, RootInfo, SpiffeId, TrustAnchors, TrustDomain,
};
use crate::state::CaView;
use futures_util::future::BoxFuture;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, IsCa, KeyPair, SanType};
use std::time::Duration;

/// The primary's CA, as its other datacenters follow it.
#[derive(Clone, Debug)]
pub struct PrimaryCa {
    pub config: CaConfig,
    pub roots: Vec<CaRoot>,
}

/// Who signs the request of a datacenter's own authority: the primary.
pub trait IntermediateSigner: Send + Sync {
    /// The certificate as PEM.
    fn sign<'a>(&'a self, csr_pem: &'a str) -> BoxFuture<'a, Result<String, CaError>>;
}

/// How long a datacenter's own authority is valid, as in Consul.
const LIFE: Duration = Duration::from_hours(365 * 24);

/// Where the primary's root signs for the authorities of other datacenters.
impl CaManager {
    /// The certificate of another datacenter's authority, built from policy.
    ///
    /// # Errors
    /// The request is malformed or names another trust domain, too many wait, or this datacenter is not the primary.
    pub async fn sign_intermediate(&self, csr_pem: &str, datacenter: &Datacenter) -> Result<String, CaError> {
        let csr = IntermediateCsr::from_pem(csr_pem)?;
        let active = self.active()?;
        if active.intermediate.is_some() {
            return Err(CaError::Secondary);
        }
        if *csr.trust_domain() != active.trust_domain {
            let (found, ours) = (csr.trust_domain().clone(), active.trust_domain.clone());
            return Err(CaError::OtherTrustDomain { found, ours });
        }
        self.admit(datacenter.as_str()).await?;
        let now = self.now();
        let template = IntermediateTemplate {
            trust_domain: csr.trust_domain().clone(),
            datacenter: datacenter.clone(),
            public_key: csr.public_key().clone(),
            not_before: now.saturating_sub(super::builtin::BACKDATE_SECONDS),
            not_after: now.saturating_add(LIFE.as_secs()).min(active.provider.root().not_after),
        };
        tracing::info!(%datacenter, root = %active.root().id, "signing the authority of another datacenter");
        Ok(active.provider.sign_intermediate(&template).await?)
    }

    /// Makes this datacenter's CA follow the primary's: its roots, its settings, and an authority of this datacenter's
    /// own under the root that signs.
    ///
    /// # Errors
    /// The primary has no root yet or did not sign, what it signed is of no use, or the state could not be written.
    pub async fn follow(&self, primary: PrimaryCa, signer: &dyn IntermediateSigner) -> Result<(), CaError> {
        let (view, state) = (self.store.view(), self.store.provider());
        let PrimaryCa { config, roots } = primary;
        let root = roots.iter().find(|root| root.active).ok_or(CaError::NotInitialised)?;
        let lasts = state.is_some_and(|state| state.root_id == root.id && lasts(&state, self.now()));
        let provider = match lasts {
            true => None,
            false => Some(self.request(root, &TrustDomain::of_cluster(config.cluster_id), signer).await?),
        };
        if provider.is_none() && is_same(&view, &config, &roots) {
            return Ok(());
        }
        tracing::info!(root = %root.id, new_authority = provider.is_some(), "following the primary datacenter's CA");
        Ok(self.store.set(CaChange { expected: view.index, config, roots, provider }).await?)
    }

    /// A new key with a certificate under the primary's root, tried before it is used.
    async fn request(
        &self,
        root: &CaRoot,
        trust_domain: &TrustDomain,
        signer: &dyn IntermediateSigner,
    ) -> Result<CaProviderState, CaError> {
        let key = new_key(KeyKind::P256)?;
        let csr_pem = request_for(&key, trust_domain).map_err(ProviderError::from)?;
        let intermediate =
            RootInfo::from_pem(&signer.sign(&csr_pem).await?).map_err(ProviderError::from)?.pem;
        let private_key_pem = key.serialize_pem();
        let ca = BuiltinCa::open(&intermediate, &private_key_pem)?;
        let probe = ca.sign(&self.probe(&ca, trust_domain)).await? + &intermediate;
        is_believed(&probe, root, self.now()).map_err(ProviderError::from)?;
        Ok(CaProviderState {
            root_id: root.id.clone(),
            private_key_pem,
            intermediate_pem: Some(intermediate),
        })
    }

    /// A certificate for nobody.
    fn probe(&self, ca: &BuiltinCa, trust_domain: &TrustDomain) -> LeafTemplate {
        let service = ServiceName::new("probe").expect("a plain word is a name");
        let now = self.now();
        LeafTemplate {
            identity: SpiffeId::new(trust_domain.clone(), self.datacenter.clone(), service),
            public_key: ca.root().public_key.clone(),
            not_before: now,
            not_after: now.saturating_add(1),
        }
    }
}

/// Whether who trusts this root believes the chain.
fn is_believed(chain_pem: &str, root: &CaRoot, now: u64) -> Result<(), PkiError> {
    let chain = CertChain::from_pem(chain_pem)?;
    TrustAnchors::from_pems([root.root_cert_pem.as_str()])?.verify(&chain, now).map(drop)
}

fn request_for(key: &KeyPair, trust_domain: &TrustDomain) -> Result<String, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![SanType::URI(format!("spiffe://{trust_domain}").try_into()?)];
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.serialize_request(key)?.pem()
}

/// Whether two thirds of its life are not over: leaves that it signs must not outlive it by much.
fn lasts(state: &CaProviderState, now: u64) -> bool {
    let Some(Ok(own)) = state.intermediate_pem.as_deref().map(RootInfo::from_pem) else { return false };
    let life = own.not_after.saturating_sub(own.not_before);
    own.not_after.saturating_sub(now) > life / 3
}

/// Whether both say the same, whatever indexes they have where they are kept.
fn is_same(view: &CaView, config: &CaConfig, roots: &[CaRoot]) -> bool {
    let bare_config = |config: &CaConfig| CaConfig { index: RaftIndex::default(), ..config.clone() };
    let bare = |root: &CaRoot| CaRoot { index: RaftIndex::default(), ..root.clone() };
    view.config.as_ref().is_some_and(|own| bare_config(own) == bare_config(config))
        && view.roots.iter().map(bare).eq(roots.iter().map(bare))
}
