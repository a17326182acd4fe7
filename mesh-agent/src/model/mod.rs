//! The nouns of the mesh: nodes, services, checks, intentions, roots.
//!
//! Values here are valid by construction. This room does not know JSON, storage or the network;
//! `wire` translates at the door, `state` stores.

mod autopilot;
mod ca;
mod check;
mod check_definition;
mod coordinate;
mod definition;
mod index;
mod intention;
mod kv;
mod name;
mod node;
mod prepared_query;
mod proxy;
mod service;
mod session;

pub use autopilot::AutopilotConfig;
pub use ca::{CaConfig, CaProviderState, CaRoot, IssuedCert};
pub use check::{CheckStatus, HealthCheck};
pub use check_definition::{CheckDefinition, DEFAULT_CHECK_OUTPUT, Probe};
pub use coordinate::Coordinate;
pub use definition::{ManagedProxy, ProxyRequest, ServiceDefinition, SidecarRequest};
pub use index::RaftIndex;
pub use intention::{Intention, IntentionAction, IntentionId, IntentionTarget};
pub use kv::{Key, KvEntry, KvValue};
pub use name::{CheckId, Datacenter, NameError, NodeName, ServiceId, ServiceName};
pub use node::Node;
pub use prepared_query::{PreparedQuery, PreparedQueryId, QueryFailover, QueryService, QueryTemplate};
pub use proxy::{ProxyConfig, Upstream, UpstreamKind};
pub use service::{NodeService, ServiceAddress, ServiceKind, Weights};
pub use session::{LIVENESS_CHECK, Session, SessionBehavior, SessionId};

/// An opaque configuration object that is stored and given back as it came.
pub type Opaque = serde_json::Map<String, serde_json::Value>;
/// Key/value metadata.
pub type Meta = std::collections::BTreeMap<String, String>;
