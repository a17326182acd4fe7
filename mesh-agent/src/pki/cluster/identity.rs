use super::TrustError;
use std::fmt;
use uuid::Uuid;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a node is to its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeRole {
    Server,
    Client,
}

impl NodeRole {
    /// The first label of the names in its certificate.
    pub fn label(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// Who is at the other end of a call, as its certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeIdentity {
    pub role: NodeRole,
    /// What its role is in: a server of one datacenter is nothing to the servers of another.
    pub datacenter: String,
    /// Absent where the operator's own certificates do not name it.
    pub id: Option<Uuid>,
}

/// What a node's id follows in its certificate.
const URN: &str = "urn:uuid:";

impl NodeIdentity {
    /// The name that a node of this role has in its certificate.
    pub fn dns_name(role: NodeRole, datacenter: &str, domain: &str) -> String {
        format!("{}.{datacenter}.{domain}", role.label())
    }

    pub(super) fn uri(id: Uuid) -> String {
        format!("{URN}{id}")
    }

    /// What a certificate says whose chain was verified already. One that has names in several datacenters counts
    /// for this one.
    ///
    /// # Errors
    /// It names neither a server nor a client of any datacenter.
    pub(super) fn of_certificate(
        der: &[u8],
        datacenter: &str,
        domains: &[String],
    ) -> Result<Self, TrustError> {
        const WHAT: &str = "the peer's certificate";
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|error| TrustError::certificate(WHAT, &error))?;
        let names =
            certificate.subject_alternative_name().map_err(|error| TrustError::certificate(WHAT, &error))?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let dns: Vec<&str> = names.iter().filter_map(dns_name).collect();
        let places: Vec<(String, NodeRole)> =
            dns.iter().flat_map(|name| domains.iter().filter_map(|domain| place(name, domain))).collect();
        let own = |role: NodeRole| places.iter().find(|place| **place == (datacenter.to_owned(), role));
        let found = own(NodeRole::Server).or_else(|| own(NodeRole::Client)).or(places.first()).cloned();
        let (datacenter, role) = found
            .ok_or_else(|| TrustError::NoRole { found: dns.join(", "), datacenter: datacenter.to_owned() })?;
        Ok(Self { role, datacenter, id: names.iter().find_map(id) })
    }
}

/// What a name such as `server.dc1.consul` says: case does not count.
fn place(name: &str, domain: &str) -> Option<(String, NodeRole)> {
    let name = name.to_ascii_lowercase();
    let inner = name.strip_suffix(&domain.to_ascii_lowercase())?.strip_suffix('.')?;
    let (role, datacenter) = inner.split_once('.')?;
    let role = [NodeRole::Server, NodeRole::Client].into_iter().find(|known| known.label() == role)?;
    (!datacenter.is_empty()).then(|| (datacenter.to_owned(), role))
}

fn dns_name<'n>(name: &GeneralName<'n>) -> Option<&'n str> {
    match name {
        GeneralName::DNSName(name) => Some(name),
        _ => None,
    }
}

fn id(name: &GeneralName<'_>) -> Option<Uuid> {
    match name {
        GeneralName::URI(uri) => uri.strip_prefix(URN)?.parse().ok(),
        _ => None,
    }
}

impl fmt::Display for NodeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => write!(f, "{} {id}", self.role.label()),
            None => f.write_str(self.role.label()),
        }
    }
}
