//! Network coordinates by Vivaldi: round trips that were measured become places, and places tell all other trips.
//!
//! It measures nothing, knows no node and no clock; the constants and rules are Serf's, so that the numbers mean what
//! Consul's do.

mod force;
mod survey;

#[cfg(test)]
mod tests;

pub use survey::Survey;
