//! The handlers, one file for each resource. `routes.rs` says where they are mounted.

pub mod authorize;
pub mod ca;
pub mod catalog;
pub mod catalog_write;
pub mod health;
pub mod intention_exact;
pub mod intention_query;
pub mod intentions;
pub mod status;

mod fields;
mod instances;
mod nearest;
