//! One face to read, write and follow the mesh's state.
//!
//! Doors and duties talk to this and nothing below it. It does not know HTTP, nor where a question came from.

mod client;
mod facade;
#[cfg(test)]
pub(crate) mod fixtures;
mod reader;
mod server;
#[cfg(test)]
mod tests;

pub use client::{ClientAgreement, Servers, Written};
pub use facade::{
    Catalog, CatalogError, Consensus, ConsensusError, Consistency, Contact, Later, ReadOptions, Reply,
};
