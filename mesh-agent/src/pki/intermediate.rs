use super::certificate::uri_text;
use super::csr::{extensions, one_request, proven};
use super::{PkiError, PublicKey, SpiffeError, TrustDomain};
use x509_parser::extensions::{ParsedExtension, X509Extension};

/// A request for the certificate of a datacenter's own authority, whose sender has shown that it holds the
/// private key. Nothing else of what it asks for is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntermediateCsr {
    trust_domain: TrustDomain,
    public_key: PublicKey,
}

impl IntermediateCsr {
    /// # Errors
    /// Not exactly one PEM section, too large, malformed, not signed by its own key, a weak key, not asking to be
    /// an authority, or its subject alternative names are not one trust domain and nothing else.
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        let der = one_request(pem)?;
        let (request, public_key) = proven(&der)?;
        let extensions = extensions(&request);
        demand_authority(&extensions)?;
        let uri = uri_text(&extensions, true)?;
        let domain =
            uri.strip_prefix("spiffe://").ok_or_else(|| SpiffeError::Shape { found: uri.clone() })?;
        Ok(Self { trust_domain: TrustDomain::new(domain)?, public_key })
    }

    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}

fn demand_authority(extensions: &[&X509Extension<'_>]) -> Result<(), PkiError> {
    let asks =
        |e: &&X509Extension<'_>| matches!(e.parsed_extension(), ParsedExtension::BasicConstraints(b) if b.ca);
    match extensions.iter().any(asks) {
        true => Ok(()),
        false => Err(PkiError::NotAnAuthority { reason: "the request does not ask for CA:TRUE".into() }),
    }
}
