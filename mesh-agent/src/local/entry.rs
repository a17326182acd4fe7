use crate::clock::Timestamp;
use crate::model::{CheckDefinition, HealthCheck, NodeService, ServiceDefinition, ServiceId};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Who registered something, and so who takes it away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A configuration file; a reload replaces it.
    Configuration,
    /// The API; kept on disk.
    Api,
}

/// A service instance on this node.
#[derive(Clone, Debug)]
pub struct LocalService {
    pub service: NodeService,
    /// What it came from. A derived proxy has its parent's.
    pub definition: ServiceDefinition,
    pub source: Source,
    /// The service that this proxy was derived from.
    pub parent: Option<ServiceId>,
    /// The agent itself runs the proxy that this registration is.
    pub run_here: bool,
    /// Changes exactly when what clients see of the instance changes: 16 hex digits.
    pub content_hash: String,
}

/// A check on this node with its latest result.
#[derive(Clone, Debug)]
pub struct LocalCheck {
    pub definition: CheckDefinition,
    pub check: HealthCheck,
    pub source: Source,
    /// It came in its service's registration, and goes when a new one does not name it.
    pub embedded: bool,
    /// Nothing has been found out about it here yet: its status is the one that it begins with.
    pub fresh: bool,
    /// How often its service has reported, where it is a TTL check.
    pub heard: u64,
    /// When a TTL check that was reported expires.
    pub expires_at: Option<Timestamp>,
}

/// A stable digest of what a registration says.
pub(super) fn content_hash(service: &NodeService) -> String {
    let plain = NodeService { index: Default::default(), ..service.clone() };
    let bytes = serde_json::to_vec(&plain).expect("a registration is plain data with string keys");
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}"); // Writing to a String cannot fail.
        hex
    })
}
