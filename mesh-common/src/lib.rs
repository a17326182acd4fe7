//! What the kernel programs and the agent share: plain values and the pure rules that both sides run.
//!
//! There is no allocation and no standard library here, because the kernel has neither. A value of a
//! map is `repr(C)`, of integers alone, with its padding named; its size and offsets are held by tests.
#![no_std]

mod config;
mod counter;
mod decide;
mod denied;
mod destination;
mod doors;
mod endpoint;
mod flow;
mod kept;
mod origin;
mod pair;
mod strict;
mod tuple;
#[cfg(feature = "user")]
mod user;
mod workload;

pub use config::Config;
pub use counter::Counter;
pub use decide::{ANY, Action, ServiceNumber, decide, most_specific};
pub use denied::Denied;
pub use destination::Destination;
pub use doors::Doors;
pub use endpoint::Endpoint;
pub use flow::Flow;
pub use kept::Kept;
pub use origin::Origin;
pub use pair::Pair;
pub use strict::StrictPort;
pub use tuple::Tuple;
pub use workload::Workload;

/// The number of this set of layouts. It grows with every change of a key, a value or a map's kind, so
/// that programs and agent never read each other's maps by another layout.
pub const LAYOUT: u32 = 6;
