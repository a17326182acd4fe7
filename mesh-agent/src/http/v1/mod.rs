//! The handlers, one file for each resource. `routes.rs` says where they are mounted.

pub mod agent_checks;
pub mod agent_control;
pub mod agent_health;
pub mod agent_self;
pub mod agent_services;
pub mod authorize;
pub mod ca;
pub mod catalog;
pub mod catalog_write;
pub mod coordinate;
pub mod event;
pub mod health;
pub mod host;
pub mod intention_exact;
pub mod intention_query;
pub mod intentions;
pub mod internal_ui;
pub mod keyring;
pub mod kv;
pub mod leaf;
pub mod members;
pub mod metrics;
pub mod monitor;
pub mod prepared_query;
pub mod proxy_config;
pub mod raft;
pub mod service_write;
pub mod session;
pub mod snapshot;
pub mod status;
pub mod txn;

mod fields;
mod hash_wait;
mod instances;
mod nearest;
