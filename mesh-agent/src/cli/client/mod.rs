//! The typed HTTP client of an agent.

mod agent;
mod autopilot;
mod catalog;
mod config;
mod connect;
mod connector;
mod coordinate;
mod error;
mod event;
mod keyring;
mod kv;
mod query;
mod raft;
mod request;
mod session;
mod snapshot;
mod tls;

#[cfg(test)]
mod tests;

pub use agent::{AgentCheck, AgentSelf, AgentService, Member, ProxyConfig, Upstream};
pub use autopilot::Autopilot;
pub use catalog::{CatalogNode, HealthEntry};
pub use config::{ClientConfig, ConfigError, Endpoint, Environment, TlsFiles};
pub use connect::{Authorization, CaConfiguration, CaRoot, CaRoots, Intention, LeafCert};
pub use coordinate::{DatacenterPlaces, NodePlace};
pub use error::ClientError;
pub use keyring::KeyringPool;
pub use kv::KvPair;
pub use query::{Query, segment};
pub use raft::RaftServer;
pub use request::{Answer, Client};
