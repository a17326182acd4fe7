//! The JSON of `/v1` in both directions, and definitions as configuration files write them.
//!
//! Types here have Consul's shapes and names; each turns into a valid `model` value or says which
//! field is wrong. This room does not know HTTP, files or who asks.

pub mod decode;

mod agent;
mod autopilot;
mod ca;
mod catalog;
mod check_definition;
mod connect;
mod coordinate;
mod duration;
mod error;
mod event;
mod health;
mod intention;
mod keyring;
mod kv;
mod meta;
mod passed;
mod prepared_query;
mod proxy;
mod raft;
mod service;
mod service_definition;
mod session;
mod time;
mod txn;

pub use agent::{ConnectProxyConfig, Member};
pub use autopilot::{Autopilot, ServerHealth, ServersHealth};
pub use ca::{CaConfiguration, CaRoot, CaRoots, LeafCert};
pub use catalog::{
    CatalogDeregistration, CatalogNode, CatalogNodeServices, CatalogRegistration, CatalogService,
    Deregistered, Node, Registered,
};
pub use check_definition::{CheckDefinition, CheckOf};
pub use connect::{Connect, ManagedProxy};
pub use coordinate::{Coordinate, NodeCoordinate};
pub use duration::{DurationError, GoDuration};
pub use error::FieldError;
pub use event::UserEvent;
pub use health::{CheckUpdate, HealthCheck, ServiceEntry, ServiceHealth, public_definition};
pub use intention::{AuthorizeAnswer, AuthorizeRequest, Created, Intention, IntentionCheck};
pub use keyring::{KeyringPool, KeyringRequest};
pub use kv::KvPair;
pub use meta::check_meta;
pub use passed::{PassedAnswer, PassedRequest};
pub use prepared_query::{PreparedQuery, QueryDns};
pub use proxy::{Proxy, Upstream};
pub use raft::{RaftConfiguration, RaftServer};
pub use service::{Service, short_hash};
pub use service_definition::{ServiceAddress, ServiceDefinition, Weights};
pub use session::{Session, SessionRequest, SessionServiceCheck};
pub use time::{rfc3339, rfc3339_millis};
pub use txn::{
    TxnAnswer, TxnCheck, TxnError, TxnKv, TxnNode, TxnOperation, TxnRow, TxnService, TxnServiceRow,
};

#[cfg(test)]
mod tests;
