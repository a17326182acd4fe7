//! Keeps the user events that concern this node, the newest ones, and hands new ones to whoever carries them.
//!
//! It does not know HTTP, nor how an event travels: that is behind [`Broadcast`].

mod concern;
mod log;
mod parcel;
mod user_event;

pub use concern::{Filters, PatternError};
pub use log::{Broadcast, EventLog, ThisNode};
pub use parcel::{pack, unpack};
pub use user_event::{EventId, UserEvent, index_of};
