//! Kernel TLS: what this host's kernel does of it, when a connection is worth handing over, and the calls for it.
//!
//! It does not know sessions, buffers or policy. The record layer above it says which keys and which numbers; a trial
//! at the start says whether the kernel does right by them.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod gate;
#[cfg(target_os = "linux")]
mod info;
mod kernel_tls;
#[cfg(target_os = "linux")]
pub mod pipe;
#[cfg(target_os = "linux")]
pub mod socket;
#[cfg(target_os = "linux")]
mod trial;
mod wish;

#[cfg(target_os = "linux")]
pub use ::ktls::CryptoInfo;
#[cfg(not(target_os = "linux"))]
use elsewhere::trial;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{CryptoInfo, describe, number, socket};
pub use gate::{Carried, Gate};
#[cfg(target_os = "linux")]
pub use info::{describe, number};
pub use kernel_tls::{KernelTls, NoKernelTls};
pub use wish::Ktls;
