//! A file system in memory that loses power, runs out of space and fails to sync when a test says so.

use super::{File, FileSystem};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// What a file holds now, and what of it is on the disk.
#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
}

type Inode = u64;

/// What a disk writes as a whole. Real ones have larger sectors; smaller ones tear more.
const SECTOR: usize = 64;

#[derive(Default)]
struct Disk {
    contents: BTreeMap<Inode, Content>,
    names: BTreeMap<PathBuf, Inode>,
    durable_names: BTreeMap<PathBuf, Inode>,
    locked: bool,
    /// Syncs wait.
    held: bool,
    /// Nothing is done on another thread, so that one seed gives one run.
    at_once: bool,
    /// Syncs that will still succeed.
    syncs_left: Option<u64>,
    /// Bytes that can still be written: the write that exceeds them is torn there, and fails.
    bytes_left: Option<usize>,
}

/// A handle to a simulated disk.
#[derive(Clone, Default)]
pub(in crate::raft) struct SimulatedFileSystem(Arc<Machine>);

/// A disk, and what wakes those who wait for it.
#[derive(Default)]
struct Machine {
    disk: Mutex<Disk>,
    released: Condvar,
}

impl SimulatedFileSystem {
    /// One that keeps nobody waiting.
    pub(in crate::raft) fn at_once() -> Self {
        Self::of(Disk { at_once: true, ..Disk::default() })
    }

    fn of(disk: Disk) -> Self {
        Self(Arc::new(Machine { disk: Mutex::new(disk), released: Condvar::new() }))
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.disk.lock().unwrap()
    }

    /// The disk is busy: nobody's content becomes durable while this is held.
    pub(in crate::raft) fn hold_syncs(&self) -> HeldSyncs {
        self.disk().held = true;
        HeldSyncs(self.clone())
    }

    pub(in crate::raft) fn fail_syncs_after(&self, syncs: u64) {
        self.disk().syncs_left = Some(syncs);
    }

    pub(in crate::raft) fn fill_up_after(&self, bytes: usize) {
        self.disk().bytes_left = Some(bytes);
    }

    /// The disk as it is after the power failed: with what was synced, and nothing else.
    pub(in crate::raft) fn after_power_loss(&self) -> Self {
        let disk = self.disk();
        let survives =
            |content: &Content| Content { now: content.durable.clone(), durable: content.durable.clone() };
        let contents = disk.contents.iter().map(|(inode, content)| (*inode, survives(content))).collect();
        let names = disk.durable_names.clone();
        Self::of(disk.after(contents, names))
    }

    /// The same, but of what was written and not synced, some sectors had reached the disk.
    pub(in crate::raft) fn after_power_loss_with_remains(&self, mut reached: impl FnMut() -> bool) -> Self {
        let after = self.after_power_loss();
        for (inode, content) in &self.disk().contents {
            let mut remains = content.durable.clone();
            remains.resize(content.now.len(), 0);
            for (kept, written) in remains.chunks_mut(SECTOR).zip(content.now.chunks(SECTOR)) {
                if reached() {
                    kept.copy_from_slice(written);
                }
            }
            let survivor = Content { durable: remains.clone(), now: remains };
            after.disk().contents.insert(*inode, survivor);
        }
        after
    }

    /// The disk as another process finds it after this one was killed: with all that was written.
    pub(in crate::raft) fn after_kill(&self) -> Self {
        let disk = self.disk();
        let (contents, names) = (disk.contents.clone(), disk.names.clone());
        Self::of(disk.after(contents, names))
    }

    pub(in crate::raft) fn content(&self, path: &Path) -> Vec<u8> {
        self.read(path).unwrap()
    }

    /// Changes a file behind everybody's back.
    pub(in crate::raft) fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut disk = self.disk();
        let inode = disk.names[path];
        let content = disk.contents.get_mut(&inode).unwrap();
        change(&mut content.now);
        content.durable = content.now.clone();
    }

    pub(in crate::raft) fn paths(&self) -> Vec<PathBuf> {
        self.disk().names.keys().cloned().collect()
    }
}

impl Disk {
    /// The same disk for who comes next.
    fn after(&self, contents: BTreeMap<Inode, Content>, names: BTreeMap<PathBuf, Inode>) -> Self {
        Self { contents, durable_names: names.clone(), names, at_once: self.at_once, ..Self::default() }
    }

    fn inode(&self, path: &Path) -> io::Result<Inode> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_allowed(&mut self) -> io::Result<()> {
        match &mut self.syncs_left {
            Some(0) => Err(io::Error::other("simulated failure of a sync")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// How many of so many bytes fit.
    fn space(&mut self, wanted: usize) -> usize {
        let Some(left) = &mut self.bytes_left else { return wanted };
        let fits = wanted.min(*left);
        *left -= fits;
        fits
    }
}

fn is_in(path: &Path, directory: &Path) -> bool {
    path.parent() == Some(directory)
}

impl FileSystem for SimulatedFileSystem {
    fn blocks(&self) -> bool {
        !self.disk().at_once
    }

    fn create_directory(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let disk = self.disk();
        let inside = disk.names.keys().filter(|path| is_in(path, directory));
        Ok(inside.filter_map(|path| path.file_name()).map(ToOwned::to_owned).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let disk = self.disk();
        let inode = disk.inode(path)?;
        Ok(disk.contents[&inode].now.clone())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut disk = self.disk();
        let inode = disk.contents.last_key_value().map_or(1, |(last, _)| last + 1);
        disk.contents.insert(inode, Content::default());
        disk.names.insert(path.to_owned(), inode);
        Ok(Box::new(SimulatedFile { system: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let inode = self.disk().inode(path)?;
        Ok(Box::new(SimulatedFile { system: self.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let inode = disk.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        disk.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk().names.remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.sync_allowed()?;
        disk.durable_names.retain(|path, _| !is_in(path, directory));
        let inside: Vec<_> = disk.names.iter().filter(|(path, _)| is_in(path, directory)).collect();
        let inside: Vec<_> = inside.into_iter().map(|(path, inode)| (path.clone(), *inode)).collect();
        disk.durable_names.extend(inside);
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Box<dyn Send>> {
        if std::mem::replace(&mut self.disk().locked, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Lock(self.clone())))
    }
}

struct Lock(SimulatedFileSystem);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.disk().locked = false;
    }
}

/// Releases syncs when it goes.
pub(in crate::raft) struct HeldSyncs(SimulatedFileSystem);

impl Drop for HeldSyncs {
    fn drop(&mut self) {
        self.0.disk().held = false;
        self.0.0.released.notify_all();
    }
}

struct SimulatedFile {
    system: SimulatedFileSystem,
    inode: Inode,
}

impl File for SimulatedFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.system.disk();
        let fits = disk.space(bytes.len());
        let content = disk.contents.get_mut(&self.inode).unwrap();
        let at = offset as usize;
        if content.now.len() < at + fits {
            content.now.resize(at + fits, 0);
        }
        content.now[at..at + fits].copy_from_slice(&bytes[..fits]);
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        let released = self.system.0.released.wait_while(self.system.disk(), |disk| disk.held);
        let mut disk = released.unwrap();
        disk.sync_allowed()?;
        let content = disk.contents.get_mut(&self.inode).unwrap();
        content.durable = content.now.clone();
        Ok(())
    }
}
