//! Moves bytes between an application and its peer under mutual TLS and policy, on its own threads.
//!
//! An inbound listener takes TLS connections of other services, checks who they are, asks whether they
//! may, and joins them with the application. An outbound listener takes the application's connections and
//! carries them to a healthy instance of the destination, whose identity it verifies. A transparent listener
//! does the same for connections that the kernel has sent there, and refuses all others. Every connection
//! lives on one worker thread, which waits on its own edge-triggered poller, epoll on Linux; the control side stays with
//! tokio. This room does not know intentions, the catalog, certificates' origin or HTTP: it asks
//! [`Authorize`], [`Endpoints`] and [`Captures`], and is fed [`TlsIdentity`] values.

mod authorize;
mod buffer;
mod captured;
mod config;
mod connections;
mod context;
mod counters;
mod crew;
mod endpoints;
mod engine;
mod error;
mod failure;
mod handover;
mod handshake;
mod identity;
mod inbound;
mod ktls;
mod leg;
mod listener;
mod mailbox;
mod origins;
mod outbound;
mod poller;
mod pool;
mod records;
mod relay;
mod repeats;
mod session;
mod sessions;
mod verify;
mod worker;

#[cfg(test)]
mod tests;

pub use authorize::{Answer, Authorize, AuthorizeRequest, Decision};
pub use captured::{Captures, TransparentSpec, Way, WaySpec};
pub use connections::{ConnectionManager, LiveConnection};
pub use counters::{CounterValues, Counters};
pub use endpoints::{Endpoint, Endpoints};
pub use engine::{Engine, EngineOptions};
pub use error::ProxyError;
pub use identity::{IdentityFeed, TlsIdentity};
pub use ktls::{KernelTls, Ktls, NoKernelTls};
pub use listener::{InboundSpec, ListenerHandle, OutboundSpec};
