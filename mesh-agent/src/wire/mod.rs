//! The JSON of `/v1` in both directions, and definitions as configuration files write them.
//!
//! Types here have Consul's shapes and names; each turns into a valid `model` value or says which
//! field is wrong. This room does not know HTTP, files or who asks.

pub mod decode;
mod duration;

pub use duration::{DurationError, GoDuration};
