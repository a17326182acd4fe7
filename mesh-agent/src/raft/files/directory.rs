use super::{File, FileSystem};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An operation on a file that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}; check the disk's space, health and permissions", path.display())]
pub struct FileError {
    pub action: &'static str,
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

/// One directory of a file system, whose errors say which file they are about.
#[derive(Clone)]
pub(in crate::raft) struct Directory {
    system: Arc<dyn FileSystem>,
    path: PathBuf,
}

/// Files under construction end in this. One found at the start is left over and worth nothing.
const UNFINISHED: &str = ".tmp";

impl Directory {
    /// Makes the directory if need be.
    pub(in crate::raft) fn open(system: Arc<dyn FileSystem>, path: PathBuf) -> Result<Self, FileError> {
        let created = system.create_directory(&path);
        created.map_err(|source| FileError { action: "create directory", path: path.clone(), source })?;
        Ok(Self { system, path })
    }

    /// As [`FileSystem::blocks`].
    pub(in crate::raft) fn blocks(&self) -> bool {
        self.system.blocks()
    }

    pub(in crate::raft) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(in crate::raft) fn location(&self) -> &Path {
        &self.path
    }

    /// The names of the finished files, sorted.
    pub(in crate::raft) fn names(&self) -> Result<Vec<String>, FileError> {
        let mut names = self.all_names()?;
        names.retain(|name| !name.ends_with(UNFINISHED));
        names.sort();
        Ok(names)
    }

    /// Removes what a crash left under construction. Nobody else may use the directory.
    pub(in crate::raft) fn discard_unfinished(&self) -> Result<(), FileError> {
        let names = self.all_names()?;
        names.iter().filter(|name| name.ends_with(UNFINISHED)).try_for_each(|name| self.remove(name))
    }

    /// Names that are not text are none of ours.
    fn all_names(&self) -> Result<Vec<String>, FileError> {
        let listed = self.system.list(&self.path).map_err(|e| self.error("list", "", e))?;
        Ok(listed.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    pub(in crate::raft) fn read(&self, name: &str) -> Result<Vec<u8>, FileError> {
        self.system.read(&self.path(name)).map_err(|e| self.error("read", name, e))
    }

    /// The content of a file that may not exist.
    pub(in crate::raft) fn read_if_present(&self, name: &str) -> Result<Option<Vec<u8>>, FileError> {
        match self.read(name) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub(in crate::raft) fn edit(&self, name: &str) -> Result<DirectoryFile, FileError> {
        let file = self.system.open(&self.path(name)).map_err(|e| self.error("open", name, e))?;
        Ok(DirectoryFile { file, path: self.path(name) })
    }

    /// A new file that does not have its name yet: see [`Directory::finish`].
    pub(in crate::raft) fn begin(&self, name: &str) -> Result<DirectoryFile, FileError> {
        let path = self.path(&format!("{name}{UNFINISHED}"));
        match self.system.create(&path) {
            Ok(file) => Ok(DirectoryFile { file, path }),
            Err(source) => Err(FileError { action: "create", path, source }),
        }
    }

    /// Gives a file its name, durably. Its content must have been synced.
    pub(in crate::raft) fn finish(&self, name: &str) -> Result<(), FileError> {
        let unfinished = self.path(&format!("{name}{UNFINISHED}"));
        let renamed = self.system.rename(&unfinished, &self.path(name));
        renamed.map_err(|e| self.error("rename a new file to", name, e))?;
        self.sync()
    }

    /// Replaces a file as a whole: after a crash it is either the old or the new one.
    pub(in crate::raft) fn replace(&self, name: &str, content: &[u8]) -> Result<(), FileError> {
        let mut file = self.begin(name)?;
        file.write_at(content, 0)?;
        file.sync()?;
        self.finish(name)
    }

    pub(in crate::raft) fn remove(&self, name: &str) -> Result<(), FileError> {
        self.system.remove(&self.path(name)).map_err(|e| self.error("remove", name, e))
    }

    /// Makes creations, renamings and removals durable.
    pub(in crate::raft) fn sync(&self) -> Result<(), FileError> {
        self.system.sync_directory(&self.path).map_err(|e| self.error("sync directory", "", e))
    }

    /// Keeps others out of the directory while the result lives.
    pub(in crate::raft) fn lock(&self, name: &str) -> Result<Box<dyn Send>, FileError> {
        let locked = self.system.lock(&self.path(name));
        locked.map_err(|e| self.error("lock (does another agent use this directory?)", name, e))
    }

    fn error(&self, action: &'static str, name: &str, source: io::Error) -> FileError {
        FileError { action, path: self.path(name), source }
    }
}

/// A file open for writing, whose errors say which it is.
pub(in crate::raft) struct DirectoryFile {
    file: Box<dyn File>,
    path: PathBuf,
}

impl DirectoryFile {
    pub(in crate::raft) fn write_at(&mut self, bytes: &[u8], offset: u64) -> Result<(), FileError> {
        let written = self.file.write_at(bytes, offset);
        written.map_err(|source| FileError { action: "write", path: self.path.clone(), source })
    }

    pub(in crate::raft) fn sync(&mut self) -> Result<(), FileError> {
        let synced = self.file.sync();
        synced.map_err(|source| FileError { action: "sync", path: self.path.clone(), source })
    }
}
