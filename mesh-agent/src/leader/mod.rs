//! Does what only the leader may do: brings the catalog and the list of voters in line with who is alive, and what
//! counts in all datacenters in line with the primary.
//!
//! It does not know how members find each other, nor how servers agree. What is to be done is planned by pure
//! functions and carried out one step after the other, for as long as this server leads.

mod catalog_plan;
mod health;
mod intention_plan;
mod reconciler;
mod replicator;
mod voter_plan;
mod voters;

#[cfg(test)]
mod tests;

pub use health::{ClusterHealth, ServerHealth, ServerMember, health};
pub use reconciler::Reconciler;
pub use replicator::{Primary, PrimaryState, Replicator};
pub use voters::{Voter, Voters};
