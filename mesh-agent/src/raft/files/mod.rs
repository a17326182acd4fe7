//! Files that survive a crash: a seam to the file system, and a directory that names what went wrong.

mod directory;
mod sealed;
#[cfg(test)]
pub(super) mod simulated;
mod system;

pub use directory::FileError;
pub(super) use directory::{Directory, DirectoryFile};
pub use sealed::Damage;
pub(super) use sealed::{seal, unseal};
pub(super) use system::{File, FileSystem, StdFileSystem};
