//! Decides what a token may do.
//!
//! It does not know HTTP, where tokens are kept, or what the resources are beyond their names.

mod access;
mod authorizer;

pub use access::{Access, Level, Resource};
pub use authorizer::{AllowAll, Authorizer, Enforcement, PermissionDenied, enforce};
