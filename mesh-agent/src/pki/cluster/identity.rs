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

    /// What a certificate says whose chain was verified already.
    ///
    /// # Errors
    /// It names neither a server nor a client of the datacenter.
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
        let says = |role: NodeRole| {
            let is_it = |domain: &String| {
                dns.iter().any(|n| n.eq_ignore_ascii_case(&Self::dns_name(role, datacenter, domain)))
            };
            domains.iter().any(is_it).then_some(role)
        };
        let role = says(NodeRole::Server)
            .or_else(|| says(NodeRole::Client))
            .ok_or_else(|| TrustError::NoRole { found: dns.join(", "), datacenter: datacenter.to_owned() })?;
        Ok(Self { role, id: names.iter().find_map(id) })
    }
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
