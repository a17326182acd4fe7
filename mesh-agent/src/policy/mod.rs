//! Compiles watched state into one `MeshSnapshot` for the proxy and the data plane.
//!
//! It does not know sockets, TLS or HTTP: it says who may connect to whom, and others hold them to it.

mod authorizer;
mod compiler;
mod snapshot;

pub use authorizer::Authorizer;
pub use compiler::PolicyCompiler;
pub use snapshot::{MeshSnapshot, compile};
