//! What the kernel programs and the agent share: plain values and the pure rules that both sides run.
//!
//! There is no allocation and no standard library here, because the kernel has neither.
#![no_std]

mod decide;

pub use decide::{ANY, Action, ServiceNumber, decide, most_specific};
