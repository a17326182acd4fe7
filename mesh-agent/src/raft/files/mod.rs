//! Files that survive a crash: a seam to the file system, and a directory that names what went wrong.

mod directory;
mod sealed;
mod system;

pub(super) use directory::Directory;
pub use directory::FileError;
pub use sealed::Damage;
pub(super) use sealed::{seal, unseal};
pub(super) use system::{File, FileSystem, StdFileSystem};
