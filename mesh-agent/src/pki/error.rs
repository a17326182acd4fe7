use super::SpiffeError;

/// Why a request, a certificate or a chain was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PkiError {
    #[error("{what} has {found} bytes: at most {limit} are accepted")]
    TooLarge { what: &'static str, found: usize, limit: usize },
    #[error("{what} is not PEM: {reason}")]
    NotPem { what: &'static str, reason: String },
    #[error("{what} is not valid DER: {reason}")]
    NotDer { what: &'static str, reason: String },
    #[error("found {found} PEM sections of kind {what}: {wanted} wanted")]
    Count { what: &'static str, found: usize, wanted: &'static str },
    #[error("the request is not signed by the key in it: sign it with the private key that belongs to it")]
    ProofOfPossession,
    #[error("the public key is {found}: use EC P-256 or P-384, or RSA with 2048 to 8192 bits")]
    Key { found: String },
    #[error("the subject alternative names are {found}: exactly one URI is allowed, the service's identity")]
    SubjectAltNames { found: String },
    #[error(transparent)]
    Identity(#[from] SpiffeError),
    #[error("{what} says that it is a certificate authority: a service's must not")]
    Authority { what: &'static str },
    #[error("the root certificate cannot sign: {reason}")]
    NotAnAuthority { reason: String },
    #[error(
        "the certificate of {identity} was refused under the {roots} trusted root certificates: {reason}"
    )]
    Untrusted { identity: String, roots: usize, reason: String },
}
