use crate::model::{Datacenter, ServiceName};
use crate::pki::{SpiffeId, TrustAnchors, TrustDomain};
use crate::state::CaView;

/// What this node believes, from the roots it was told.
pub(super) struct Trust {
    pub(super) anchors: TrustAnchors,
    /// The root that signs now.
    pub(super) active_root: String,
    domain: TrustDomain,
}

impl Trust {
    /// `None` until there is a root that signs. Roots that cannot be read are no roots: fail closed.
    pub(super) fn from_view(view: &CaView) -> Option<Self> {
        let active = view.roots.iter().find(|r| r.active)?;
        let pems = view.roots.iter().map(|r| r.root_cert_pem.as_str());
        let anchors = TrustAnchors::from_pems(pems)
            .inspect_err(|error| tracing::error!(%error, "the trusted roots cannot be read"))
            .ok()?;
        let domain = TrustDomain::new(&active.trust_domain).ok()?;
        Some(Self { anchors, active_root: active.id.clone(), domain })
    }

    pub(super) fn identity(&self, datacenter: &Datacenter, service: &ServiceName) -> SpiffeId {
        SpiffeId::new(self.domain.clone(), datacenter.clone(), service.clone())
    }
}
