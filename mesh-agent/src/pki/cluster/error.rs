/// Why a node cannot take part in its cluster's encrypted calls.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    #[error("found {found}, want 16, 24 or 32 bytes in base64, such as `mesh keygen` prints")]
    Secret { found: String },
    #[error("the system gives no randomness for {what}: without it nothing can be encrypted")]
    Randomness { what: &'static str },
    #[error("{what} cannot be used: {reason}")]
    Certificate { what: &'static str, reason: String },
    #[error(
        "the peer's certificate names {found}, want server.{datacenter}.DOMAIN or client.{datacenter}.DOMAIN"
    )]
    NoRole { found: String, datacenter: String },
}

impl TrustError {
    pub(super) fn certificate(what: &'static str, reason: &impl ToString) -> Self {
        Self::Certificate { what, reason: reason.to_string() }
    }
}
