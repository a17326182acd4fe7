//! Keeps, on a node that holds no replicated state, a view of the servers' state: one stream for all its readers.
//!
//! A [`Feed`] on a server makes frames of what changed; a [`Keeper`] on the other node brings its store there.
//! It does not know how frames travel, nor who reads the store.

mod feed;
mod file;
mod frame;
mod keeper;
mod parcel;
#[cfg(test)]
mod tests;

pub use feed::{Feed, Report};
pub use file::ViewFile;
pub use frame::{Frame, FrameError, Part, Standing};
pub use keeper::{Frames, Heard, Keeper, Source, SourceError};
