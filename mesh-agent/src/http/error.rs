use crate::acl::PermissionDenied;
use crate::ca::{CaError, CaStoreError};
use crate::catalog::{CatalogError, ConsensusError};
use crate::filter::FilterError;
use crate::intention::IntentionError;
use crate::leaf::LeafError;
use crate::local::LocalError;
use crate::model::NameError;
use crate::pki::SpiffeError;
use crate::state::Refusal;
use crate::wire::FieldError;
use crate::wire::decode::DecodeError;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Why a request gets no answer. The text is the body, one plain line, as Consul's clients print it.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{reason}")]
    BadRequest { reason: String },
    #[error("Request decode failed: {source}")]
    Body {
        #[from]
        source: DecodeError,
    },
    #[error("Request decode failed: {source}")]
    Field {
        #[from]
        source: FieldError,
    },
    #[error("{reason}")]
    NotFound { reason: String },
    #[error("method {method} not allowed")]
    MethodNotAllowed { method: Method },
    #[error("Request body too large, max size: {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("Transaction contains too many operations ({found} > {limit})")]
    TooManyOperations { found: usize, limit: usize },
    #[error("the request's body did not arrive within {seconds} s")]
    BodyTimeout { seconds: u64 },
    #[error("{reason}")]
    Forbidden { reason: String },
    #[error(transparent)]
    Permission(#[from] PermissionDenied),
    #[error("ACL support disabled")]
    AclDisabled,
    #[error("Your IP is issuing too many concurrent connections, please rate limit your calls")]
    TooManyConnections,
    #[error("No path to datacenter")]
    NoPathToDatacenter,
    #[error("{reason}")]
    Unsupported { reason: String },
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Ca(#[from] CaError),
    #[error(transparent)]
    Leaf(#[from] LeafError),
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("{reason}")]
    Internal { reason: String },
}

impl ApiError {
    pub fn bad_request(reason: impl Into<String>) -> Self {
        Self::BadRequest { reason: reason.into() }
    }

    pub fn not_found(reason: impl Into<String>) -> Self {
        Self::NotFound { reason: reason.into() }
    }

    pub fn internal(reason: impl std::fmt::Display) -> Self {
        Self::Internal { reason: reason.to_string() }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest { .. } | Self::Body { .. } | Self::Field { .. } => StatusCode::BAD_REQUEST,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } | Self::TooManyOperations { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Forbidden { .. } | Self::Permission(_) => StatusCode::FORBIDDEN,
            Self::AclDisabled => StatusCode::UNAUTHORIZED,
            Self::TooManyConnections => StatusCode::TOO_MANY_REQUESTS,
            Self::Unsupported { .. } => StatusCode::NOT_IMPLEMENTED,
            Self::Catalog(CatalogError::Refused(refusal)) => refusal_status(refusal),
            Self::Ca(error) => ca_status(error),
            Self::Local(error) => local_status(error),
            Self::NoPathToDatacenter | Self::Internal { .. } | Self::Catalog(_) | Self::Leaf(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// The headers that belong to this error alone.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        match self {
            Self::TooManyConnections | Self::Catalog(CatalogError::Consensus(ConsensusError::NoLeader)) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // What is left of the body is not read, so nothing can follow on this connection.
            Self::BodyTooLarge { .. } | Self::BodyTimeout { .. } => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        headers
    }
}

/// Consul answers 500 to a duplicate intention, and its clients look at the text.
fn refusal_status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NoSuchIntention { .. } | Refusal::NoSuchIntentionPair { .. } => StatusCode::NOT_FOUND,
        Refusal::NoSuchService { .. } | Refusal::Unrestorable { .. } => StatusCode::BAD_REQUEST,
        Refusal::NodeNameTaken { .. } | Refusal::CaChanged { .. } => StatusCode::CONFLICT,
        Refusal::RolledBack { .. } => StatusCode::CONFLICT,
        Refusal::BadQuery { .. } => StatusCode::BAD_REQUEST,
        // An unmet condition is an answer of its own; the others are 500 in Consul too.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn ca_status(error: &CaError) -> StatusCode {
    match error {
        CaError::Settings(_) | CaError::Elsewhere { refused: true, .. } => StatusCode::BAD_REQUEST,
        CaError::Store(CaStoreError::Refused(refusal)) => refusal_status(refusal),
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn local_status(error: &LocalError) -> StatusCode {
    match error {
        LocalError::UnknownService { .. } | LocalError::UnknownCheck { .. } => StatusCode::NOT_FOUND,
        LocalError::NoPort { .. } | LocalError::Persist { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

macro_rules! bad_request_from {
    ($($source:ty),*) => {$(
        impl From<$source> for ApiError {
            fn from(source: $source) -> Self {
                Self::bad_request(source.to_string())
            }
        }
    )*};
}
bad_request_from!(FilterError, IntentionError, NameError, SpiffeError);
