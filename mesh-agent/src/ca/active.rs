use super::settings::BUILTIN;
use super::{BuiltinCa, CaError, CaProvider, CaSettings, CaStore, LeafTemplate, SettingsError};
use crate::model::{CaConfig, CaProviderState, CaRoot};
use crate::pki::{CertChain, Csr, TrustAnchors, TrustDomain};
use crate::state::CaView;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The CA as of one index of its state, opened and ready to sign.
pub(super) struct Active {
    pub(super) view: CaView,
    pub(super) config: Arc<CaConfig>,
    pub(super) settings: CaSettings,
    pub(super) provider: Box<dyn CaProvider>,
    pub(super) trust_domain: TrustDomain,
    /// This datacenter's own authority under the root of the primary, where this is not the primary.
    pub(super) intermediate: Option<String>,
    /// Bounds signatures under way, where the configuration asks for that.
    pub(super) concurrent: Option<Semaphore>,
}

impl Active {
    pub(super) fn open(store: &dyn CaStore) -> Result<Self, CaError> {
        let (view, state) = read(store);
        let config = view.config.clone().ok_or(CaError::NotInitialised)?;
        let settings = CaSettings::parse(&config.provider, &config.config)?;
        let root = view.roots.iter().find(|r| r.active).ok_or(CaError::NotInitialised)?;
        let state = state.filter(|s| s.root_id == root.id).ok_or(CaError::KeyMissing)?;
        let provider = open_provider(&config.provider, root, &state)?;
        let trust_domain = TrustDomain::of_cluster(config.cluster_id);
        let permits = (settings.csr_max_per_second == 0).then_some(settings.csr_max_concurrent);
        let concurrent = permits.filter(|n| *n > 0).map(|n| Semaphore::new(n as usize));
        let intermediate = state.intermediate_pem.clone();
        Ok(Self { view, config, settings, provider, trust_domain, intermediate, concurrent })
    }

    /// What a leaf carries besides itself: what leads from who signed it to the root, and from there to older ones.
    pub(super) fn intermediates(&self) -> Vec<String> {
        self.intermediate.iter().chain(&self.root().intermediate_pems).cloned().collect()
    }

    pub(super) fn root(&self) -> &CaRoot {
        self.view.roots.iter().find(|r| r.active).expect("open has found the root that signs")
    }
}

/// Roots and key of one moment: they are two reads, and a rotation may come between.
fn read(store: &dyn CaStore) -> (CaView, Option<Arc<CaProviderState>>) {
    loop {
        let (view, state) = (store.view(), store.provider());
        if store.view().index == view.index {
            return (view, state);
        }
    }
}

fn open_provider(
    provider: &str,
    root: &CaRoot,
    state: &CaProviderState,
) -> Result<Box<dyn CaProvider>, CaError> {
    match provider {
        BUILTIN => {
            let signer = state.intermediate_pem.as_ref().unwrap_or(&root.root_cert_pem);
            Ok(Box::new(BuiltinCa::open(signer, &state.private_key_pem)?))
        }
        other => Err(SettingsError::Provider { found: other.to_owned() }.into()),
    }
}

/// The chain that goes out, after it was read back: what a peer would refuse is never handed out.
pub(super) async fn sign_and_check(
    provider: &dyn CaProvider,
    template: &LeafTemplate,
    intermediates: &[String],
    now: u64,
) -> Result<CertChain, CaError> {
    let pem = provider.sign(template).await? + &intermediates.concat();
    let chain = CertChain::from_pem(&pem)?;
    TrustAnchors::from_pems([provider.root().pem.as_str()])?.verify(&chain, now)?;
    Ok(chain)
}

/// What policy makes of a request: of the request, only the name, which was checked, and the key.
pub(super) fn template(active: &Active, csr: &Csr, now: u64) -> Result<LeafTemplate, CaError> {
    let root = active.provider.root();
    if root.not_after <= now {
        return Err(CaError::RootExpired { root: root.id.clone(), not_after: root.not_after });
    }
    Ok(LeafTemplate {
        identity: csr.identity().clone(),
        public_key: csr.public_key().clone(),
        not_before: now.saturating_sub(super::builtin::BACKDATE_SECONDS),
        not_after: now.saturating_add(active.settings.leaf_ttl.as_secs()).min(root.not_after),
    })
}
