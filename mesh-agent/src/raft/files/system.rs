use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What the log and the snapshots need of a file system. Tests put one underneath that fails.
pub(in crate::raft) trait FileSystem: Send + Sync + 'static {
    /// Whether its calls keep their thread waiting, so that they want one of their own.
    fn blocks(&self) -> bool {
        true
    }
    fn create_directory(&self, path: &Path) -> io::Result<()>;
    /// The names of the files in a directory.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// An empty file, whatever was there before.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// A file that exists, for writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes what was created, renamed and removed in a directory durable.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;
    /// Makes sure that nobody else uses the directory of this lock file while the result lives.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send>>;
}

/// A file open for writing.
pub(in crate::raft) trait File: Send {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes the content durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// The operating system's files.
pub(in crate::raft) struct StdFileSystem;

impl FileSystem for StdFileSystem {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(OpenOptions::new().write(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        std::fs::File::open(directory)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        file.try_lock()?;
        Ok(Box::new(file))
    }
}

impl File for std::fs::File {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
