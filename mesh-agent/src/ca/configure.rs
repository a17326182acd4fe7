use super::active::{Active, sign_and_check};
use super::rotation::{MAX_INTERMEDIATES, describe, nears_its_end, rotated, shortened};
use super::{
    BuiltinCa, CaChange, CaError, CaManager, CaProvider, CaSettings, LeafTemplate, SettingsError, prune,
};
use crate::model::{CaConfig, CaRoot, Datacenter, Opaque, RaftIndex, ServiceName};
use crate::pki::{KeyKind, RootInfo, SpiffeId, TrustDomain};

/// What somebody wants of the CA's state.
pub(super) enum Wish {
    /// A root, if there is none.
    First { provider: String, settings: CaSettings },
    /// These settings, and the root that they name.
    Settings(CaSettings),
    /// A new root with a new key.
    Rotation,
    /// No roots under which no leaf is alive.
    Pruning,
}

impl CaManager {
    /// Replaces the configuration. Another key or root in it makes a rotation.
    ///
    /// # Errors
    /// It is not valid, its root cannot sign, or the state could not be written.
    pub async fn set_configuration(&self, provider: &str, config: &Opaque) -> Result<(), CaError> {
        self.carry_out(&Wish::Settings(CaSettings::parse(provider, config)?)).await
    }

    /// A new root with a new key.
    ///
    /// # Errors
    /// There is no root yet, too many old ones are still trusted, or the state could not be written.
    pub async fn rotate(&self) -> Result<(), CaError> {
        self.carry_out(&Wish::Rotation).await
    }

    /// Removes roots under which no leaf is alive.
    ///
    /// # Errors
    /// There is no root yet, or the state could not be written.
    pub async fn prune(&self) -> Result<(), CaError> {
        self.carry_out(&Wish::Pruning).await
    }

    /// Rotates before the root expires, if it was made here; one that was given can only be warned about.
    pub(super) async fn renew(&self) -> Result<(), CaError> {
        let active = self.active()?;
        let root = active.root();
        if !nears_its_end(root, self.now(), active.settings.leaf_ttl) {
            return Ok(());
        }
        if active.settings.root_cert.is_none() {
            return self.rotate().await;
        }
        tracing::warn!(root = %root.id, not_after = root.not_after, "the configured root nears its end: configure a new RootCert and PrivateKey");
        Ok(())
    }

    /// The change that fulfils the wish; `None` where it is fulfilled.
    pub(super) async fn plan(&self, wish: &Wish) -> Result<Option<CaChange>, CaError> {
        let now = self.now();
        match wish {
            Wish::First { provider, settings } => self.first(provider, settings, now).await,
            Wish::Settings(settings) => settings_change(&*self.active()?, settings, now).await.map(Some),
            Wish::Rotation => rotation(&*self.active()?, now).await.map(Some),
            Wish::Pruning => Ok(pruning(&*self.active()?, now)),
        }
    }

    async fn first(
        &self,
        provider: &str,
        settings: &CaSettings,
        now: u64,
    ) -> Result<Option<CaChange>, CaError> {
        let view = self.store.view();
        if view.config.is_some() {
            return self.active().map(|_| None);
        }
        let cluster_id = uuid::Uuid::new_v4();
        let trust_domain = TrustDomain::of_cluster(cluster_id);
        let ca = first_root(settings, &trust_domain, now)?;
        probe(&ca, &trust_domain, now).await?;
        let root = describe(ca.root(), &trust_domain);
        tracing::info!(root = %root.id, %trust_domain, "making the first root");
        let (config, index) = (settings.to_opaque(), RaftIndex::default());
        let config = CaConfig { cluster_id, provider: provider.to_owned(), config, index };
        Ok(Some(CaChange { expected: view.index, config, roots: vec![root], provider: ca.state() }))
    }
}

async fn settings_change(active: &Active, settings: &CaSettings, now: u64) -> Result<CaChange, CaError> {
    let current = Some(active.provider.root());
    match requested(settings, current, &active.trust_domain, now)? {
        Some(next) => rotation_to(active, &next, settings, now).await,
        None => Ok(other_settings(active, settings, now)),
    }
}

fn other_settings(active: &Active, settings: &CaSettings, now: u64) -> CaChange {
    // The root stays, and with it that it was given.
    let root_cert = settings.root_cert.clone().or_else(|| active.settings.root_cert.clone());
    let settings = CaSettings { root_cert, ..settings.clone() };
    let roots = if settings.leaf_ttl < active.settings.leaf_ttl {
        shortened(&active.view.roots, now, active.settings.leaf_ttl)
    } else {
        active.view.roots.to_vec()
    };
    same_key(active, &settings, roots)
}

async fn rotation(active: &Active, now: u64) -> Result<CaChange, CaError> {
    let kind = active.settings.key_kind.unwrap_or(active.provider.root().public_key.kind());
    let next = BuiltinCa::generate(kind, &active.trust_domain, now)?;
    let settings = CaSettings { root_cert: None, ..active.settings.clone() };
    rotation_to(active, &next, &settings, now).await
}

async fn rotation_to(
    active: &Active,
    next: &BuiltinCa,
    settings: &CaSettings,
    now: u64,
) -> Result<CaChange, CaError> {
    probe(next, &active.trust_domain, now).await?;
    let mut root = describe(next.root(), &active.trust_domain);
    root.intermediate_pems = cross_signed(active, next.root(), now).await?;
    tracing::info!(old = %active.root().id, new = %root.id, "rotating to a new root");
    let roots = rotated(&active.view.roots, root, now, active.settings.leaf_ttl)?;
    Ok(CaChange { provider: next.state(), ..same_key(active, settings, roots) })
}

fn pruning(active: &Active, now: u64) -> Option<CaChange> {
    let roots = prune(&active.view.roots, now, active.settings.leaf_ttl)?;
    tracing::info!(before = active.view.roots.len(), after = roots.len(), "removing old roots");
    Some(same_key(active, &active.settings, roots))
}

fn same_key(active: &Active, settings: &CaSettings, roots: Vec<CaRoot>) -> CaChange {
    let config = CaConfig { config: settings.to_opaque(), ..CaConfig::clone(&active.config) };
    CaChange { expected: active.view.index, config, roots, provider: None }
}

/// The new root under the old one, then what led from the old one to those before it.
async fn cross_signed(active: &Active, next: &RootInfo, now: u64) -> Result<Vec<String>, CaError> {
    let not_before = now.saturating_sub(super::builtin::BACKDATE_SECONDS);
    let mut intermediates = vec![active.provider.cross_sign(next, not_before).await?];
    intermediates.extend(active.root().intermediate_pems.iter().cloned());
    intermediates.truncate(MAX_INTERMEDIATES);
    Ok(intermediates)
}

fn first_root(settings: &CaSettings, trust_domain: &TrustDomain, now: u64) -> Result<BuiltinCa, CaError> {
    match requested(settings, None, trust_domain, now)? {
        Some(given) => Ok(given),
        None => Ok(BuiltinCa::generate(settings.key_kind.unwrap_or(KeyKind::P256), trust_domain, now)?),
    }
}

/// The root that the settings ask for, unless it is the current one.
fn requested(
    settings: &CaSettings,
    current: Option<&RootInfo>,
    trust_domain: &TrustDomain,
    now: u64,
) -> Result<Option<BuiltinCa>, CaError> {
    let is_current = |root: &RootInfo| current.is_some_and(|c| c.id == root.id);
    match (&settings.private_key, &settings.root_cert) {
        (Some(key), Some(root)) => {
            let given = BuiltinCa::open(&root.pem, &key.0)?;
            Ok(Some(given).filter(|g| !is_current(g.root())))
        }
        (Some(key), None) => {
            let made = BuiltinCa::with_key(&key.0, trust_domain, now)?;
            Ok(Some(made).filter(|m| current.is_none_or(|c| c.public_key != m.root().public_key)))
        }
        (None, Some(root)) if is_current(root) => Ok(None),
        (None, Some(_)) => Err(SettingsError::RootWithoutKey.into()),
        (None, None) => other_kind(settings, current, trust_domain, now),
    }
}

fn other_kind(
    settings: &CaSettings,
    current: Option<&RootInfo>,
    trust_domain: &TrustDomain,
    now: u64,
) -> Result<Option<BuiltinCa>, CaError> {
    match (settings.key_kind, current) {
        (Some(kind), Some(current)) if current.public_key.kind() != kind => {
            Ok(Some(BuiltinCa::generate(kind, trust_domain, now)?))
        }
        _ => Ok(None),
    }
}

/// Signs for nobody, to see before it is used whether what this root signs will be believed.
async fn probe(ca: &BuiltinCa, trust_domain: &TrustDomain, now: u64) -> Result<(), CaError> {
    let name = "probe";
    let datacenter = Datacenter::new(name).expect("a plain word is a name");
    let service = ServiceName::new(name).expect("a plain word is a name");
    let leaf = LeafTemplate {
        identity: SpiffeId::new(trust_domain.clone(), datacenter, service),
        public_key: ca.root().public_key.clone(),
        not_before: now,
        not_after: now.saturating_add(1),
    };
    sign_and_check(ca, &leaf, &[], now).await.map(drop)
}
