//! The archive that a snapshot of the state travels in: packed, checksummed, and checked when it comes back.
//!
//! It is laid out as Consul's (a gzipped tar of meta.json, state.bin and SHA256SUMS), so that the same tools
//! look into it. It does not know what the state's bytes mean, nor where an archive is kept.

mod archive;
mod error;
mod meta;

pub use archive::Archive;
pub use error::ArchiveError;
pub use meta::Meta;
