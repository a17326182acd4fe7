use crate::model::{Datacenter, ServiceName};
use std::fmt;
use std::sync::Arc;

/// The authority part of every identity of one mesh: `<uuid>.consul`, lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrustDomain(Arc<str>);

impl TrustDomain {
    /// # Errors
    /// SPIFFE-ID 2.1: 1 to 255 lower-case letters, digits, `-`, `_` and `.`.
    pub fn new(name: &str) -> Result<Self, SpiffeError> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
        if (1..=255).contains(&name.len()) && name.bytes().all(legal) {
            Ok(Self(name.into()))
        } else {
            Err(SpiffeError::TrustDomain { found: cut(name) })
        }
    }

    /// The trust domain of a cluster.
    pub fn of_cluster(id: uuid::Uuid) -> Self {
        Self(format!("{id}.consul").into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identity of a service: `spiffe://<trust-domain>/ns/default/dc/<dc>/svc/<service>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiffeId {
    pub trust_domain: TrustDomain,
    pub datacenter: Datacenter,
    pub service: ServiceName,
}

/// Why a URI is not an identity of a mesh service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeError {
    #[error("trust domain {found:?} is not valid: 1 to 255 lower-case letters, digits, '-', '_' or '.'")]
    TrustDomain { found: String },
    #[error(
        "{found:?} is not a service identity: want spiffe://<trust-domain>/ns/default/dc/<datacenter>/svc/<service>, nothing before, between or after"
    )]
    Shape { found: String },
}

fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}

impl SpiffeId {
    pub fn new(trust_domain: TrustDomain, datacenter: Datacenter, service: ServiceName) -> Self {
        Self { trust_domain, datacenter, service }
    }

    /// There is exactly one spelling of an identity. Userinfo, port, query, fragment, percent-encoding,
    /// other case of the fixed parts and empty segments are refused, never normalised.
    ///
    /// # Errors
    /// The text is not that spelling.
    pub fn parse(uri: &str) -> Result<Self, SpiffeError> {
        let shape = || SpiffeError::Shape { found: cut(uri) };
        let rest = uri.strip_prefix("spiffe://").ok_or_else(shape)?;
        let parts: Vec<&str> = rest.split('/').collect();
        let [domain, "ns", "default", "dc", dc, "svc", service] = parts[..] else { return Err(shape()) };
        Ok(Self {
            trust_domain: TrustDomain::new(domain)?,
            datacenter: Datacenter::new(dc).map_err(|_| shape())?,
            service: ServiceName::new(service).map_err(|_| shape())?,
        })
    }

    /// The server name that asks a node for this service.
    pub fn server_name(&self) -> String {
        format!("{}.default.{}.internal.{}", self.service, self.datacenter, self.trust_domain)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spiffe://{}/ns/default/dc/{}/svc/{}", self.trust_domain, self.datacenter, self.service)
    }
}
impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/web";

    #[test]
    fn an_identity_reads_back_as_it_was_written() {
        assert_eq!(SpiffeId::parse(GOOD).unwrap().to_string(), GOOD);
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let bad = [
            "",
            "https://a.consul/ns/default/dc/dc1/svc/web",
            "SPIFFE://a.consul/ns/default/dc/dc1/svc/web",
            "spiffe://user@a.consul/ns/default/dc/dc1/svc/web",
            "spiffe://a.consul:443/ns/default/dc/dc1/svc/web",
            "spiffe://A.consul/ns/default/dc/dc1/svc/web",
            "spiffe://a.consul/ns/default/dc/dc1/svc/web?x=1",
            "spiffe://a.consul/ns/default/dc/dc1/svc/web#x",
            "spiffe://a.consul/ns/default/dc/dc1/svc/%61pi",
            "spiffe://a.consul/ns/default/dc/dc1/svc/web/",
            "spiffe://a.consul/ns/default/dc/dc1/svc//web",
            "spiffe://a.consul/ns/default/dc/dc1/svc/..",
            "spiffe://a.consul/ns/other/dc/dc1/svc/web",
            "spiffe://a.consul/NS/default/dc/dc1/svc/web",
            "spiffe://a.consul/ns/default/dc/dc1/svc/",
            "spiffe:///ns/default/dc/dc1/svc/web",
            "spiffe://a.consul",
        ];
        for uri in bad {
            assert!(SpiffeId::parse(uri).is_err(), "{uri}");
        }
    }
}
