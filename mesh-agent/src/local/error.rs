use crate::health::CheckRefused;
use crate::model::{CheckId, NameError, ServiceId};
use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Why a registration on this node failed; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error(
        "Unknown service ID {id:?}: `catalog services` or /v1/agent/services lists what is registered here"
    )]
    UnknownService { id: ServiceId },
    #[error("Unknown check ID {id:?}: /v1/agent/checks lists what is registered here")]
    UnknownCheck { id: CheckId },
    #[error(
        "check {check:?} names service {service:?}, which is not registered on this agent: register the service first"
    )]
    NoSuchService { check: CheckId, service: ServiceId },
    #[error("service {id:?} belongs to service {parent:?}: deregister that one")]
    Derived { id: ServiceId, parent: ServiceId },
    #[error("CheckID {id:?} does not have associated TTL: its own probe sets its status")]
    NotTtl { id: CheckId },
    #[error("check id {id:?} is reserved for the agent itself: give the check another one")]
    ReservedCheck { id: CheckId },
    #[error(transparent)]
    Check(#[from] CheckRefused),
    #[error(
        "the proxy of service {parent:?} would be service {id:?}, which is registered here by itself: \
         deregister that one, or give one of the two another id"
    )]
    ProxyIdTaken { id: ServiceId, parent: ServiceId },
    #[error("what goes with service {service:?} would have no valid name: {source}")]
    DerivedName {
        service: ServiceId,
        #[source]
        source: NameError,
    },
    #[error(
        "no free port for the proxy of service {service:?} in {range:?}: give it a port, or widen the range in `ports`"
    )]
    NoPort { service: ServiceId, range: RangeInclusive<u16> },
    #[error(
        "the registration could not be kept in {path:?}: {source}; make room there or check its permissions"
    )]
    Persist {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}
