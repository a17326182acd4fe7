use super::{CertChain, PkiError, RootInfo};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage};

/// The roots that a node trusts, ready to check chains against.
#[derive(Clone, Debug, Default)]
pub struct TrustAnchors {
    anchors: Vec<Anchor>,
}

#[derive(Clone, Debug)]
struct Anchor {
    id: String,
    /// Unix seconds. A trust anchor has no dates of its own, so path building would not look at them.
    not_before: u64,
    not_after: u64,
    anchor: TrustAnchor<'static>,
}

impl Anchor {
    fn from_pem(pem: &str) -> Result<Self, PkiError> {
        let root = RootInfo::from_pem(pem)?;
        let der = CertificateDer::from(root.der);
        let anchor = webpki::anchor_from_trusted_cert(&der)
            .map_err(|e| PkiError::NotAnAuthority { reason: e.to_string() })?;
        let (not_before, not_after) = (root.not_before, root.not_after);
        Ok(Self { id: root.id, not_before, not_after, anchor: anchor.to_owned() })
    }

    fn is_valid_at(&self, now: u64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }
}

impl TrustAnchors {
    /// # Errors
    /// One of them is not a root certificate.
    pub fn from_pems<'a>(pems: impl IntoIterator<Item = &'a str>) -> Result<Self, PkiError> {
        pems.into_iter().map(Anchor::from_pem).collect::<Result<_, _>>().map(|anchors| Self { anchors })
    }

    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// The id of the root that the chain ends in, at `now` (Unix seconds), for use as server and as client.
    ///
    /// # Errors
    /// No chain to a trusted root, expired or not yet valid, or not good for both roles.
    pub fn verify(&self, chain: &CertChain, now: u64) -> Result<&str, PkiError> {
        self.verify_for(chain, now, KeyUsage::client_auth())?;
        self.verify_for(chain, now, KeyUsage::server_auth())
    }

    fn verify_for(&self, chain: &CertChain, now: u64, usage: KeyUsage) -> Result<&str, PkiError> {
        let (leaf, intermediates) =
            chain.certificates().split_first().expect("a chain is never empty by construction");
        let valid: Vec<&Anchor> = self.anchors.iter().filter(|a| a.is_valid_at(now)).collect();
        let anchors: Vec<TrustAnchor<'_>> = valid.iter().map(|a| a.anchor.clone()).collect();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        let found = build(leaf, intermediates, &anchors, now, usage).map_err(|e| PkiError::Untrusted {
            identity: chain.leaf().identity.to_string(),
            roots: anchors.len(),
            reason: e.to_string(),
        })?;
        Ok(&valid[found].id)
    }
}

/// Which of the anchors the chain ends in.
fn build(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    anchors: &[TrustAnchor<'_>],
    now: UnixTime,
    usage: KeyUsage,
) -> Result<usize, webpki::Error> {
    let algorithms: &[&dyn SignatureVerificationAlgorithm] = webpki::ALL_VERIFICATION_ALGS;
    let leaf = EndEntityCert::try_from(leaf)?;
    let path = leaf.verify_for_usage(algorithms, anchors, intermediates, now, usage, None, None)?;
    let anchor = path.anchor();
    Ok(anchors.iter().position(|a| a == anchor).expect("a path ends in one of the given anchors"))
}
