//! Answers "which endpoints for this name" over a reader trait.
//!
//! It does not know DNS or HTTP, nor where the catalog is kept: who asks names a service or a node, and
//! gets instances in the order in which to try them.

mod endpoint;
#[cfg(test)]
pub(crate) mod fixture;
mod order;
mod query;
mod reader;

pub use endpoint::{Endpoint, Health};
pub use order::{nearest_first, shuffle};
pub use query::{ServiceQuery, endpoints};
pub use reader::{AddressOwners, CatalogReader, Prepared, Reach};
