use crate::model::{CheckId, ServiceId};
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
    #[error("check {id:?} is not a TTL check, so only its probe sets its status")]
    NotTtl { id: CheckId },
    #[error(
        "check {id:?} runs a command, which this agent does not do {from}: set enable_script_checks or \
         enable_local_script_checks, and read first what they expose"
    )]
    ScriptsOff { id: CheckId, from: &'static str },
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
