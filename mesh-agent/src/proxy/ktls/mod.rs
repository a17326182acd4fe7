//! Kernel TLS: what this host's kernel does of it, when a connection is worth handing over, and the calls for it.
//!
//! It does not know sessions, buffers or policy. The record layer above it says which keys and which numbers; a trial
//! at the start says whether the kernel does right by them.

mod gate;
mod kernel_tls;
pub mod pipe;
pub mod socket;
mod trial;
mod wish;

pub use gate::{Carried, Gate};
pub use kernel_tls::{KernelTls, NoKernelTls};
pub use wish::Ktls;
