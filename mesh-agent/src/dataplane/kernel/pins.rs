use super::bpf::c_path;
use super::error::KernelError;
use super::mounts::is_bpffs;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where an agent keeps its programs, links and maps while it is not there itself.
pub const DEFAULT_PINS: &str = "/run/mesh/bpf";

/// A bpf file system of one's own. It is not the host's `/sys/fs/bpf`, which a process in another mount
/// namespace may not see.
#[derive(Clone, Debug)]
pub struct Pins {
    root: PathBuf,
}

impl Pins {
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Whether an agent has left anything here.
    #[must_use]
    pub fn exist(&self) -> bool {
        self.links().is_dir()
    }

    pub(super) fn link(&self, program: &str) -> PathBuf {
        self.links().join(program)
    }

    /// The maps of one layout: another layout finds none of them.
    pub(super) fn maps(&self) -> PathBuf {
        self.root.join(maps_folder())
    }

    fn links(&self) -> PathBuf {
        self.root.join("links")
    }

    /// Mounts the file system where it is not mounted yet, and makes its folders.
    pub(super) fn prepare(&self) -> Result<(), KernelError> {
        fs::create_dir_all(&self.root).map_err(|e| KernelError::file("making", &self.root, e))?;
        if !self.is_mounted() {
            mount(&self.root)
                .map_err(|e| KernelError::file("mounting a bpf file system at", &self.root, e))?;
        }
        for folder in [self.links(), self.maps()] {
            fs::create_dir_all(&folder).map_err(|e| KernelError::file("making", &folder, e))?;
        }
        Ok(())
    }

    /// Removes the maps of layouts that no program reads any more.
    pub(super) fn drop_other_layouts(&self) -> Result<(), KernelError> {
        for folder in folders(&self.root)? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("maps-") && name != maps_folder() {
                remove_folder(&folder)?;
            }
        }
        Ok(())
    }

    /// Removes every link, so that no hook runs any more, then every map, then the file system. Connections
    /// that were sent straight to a server live on; nothing is left of the others but their sockets.
    ///
    /// # Errors
    /// Something could not be removed. Links go first, so what is left is not attached.
    pub fn detach(&self) -> Result<(), KernelError> {
        if !self.root.is_dir() {
            return Ok(());
        }
        if self.links().is_dir() {
            remove_folder(&self.links())?;
        }
        for folder in folders(&self.root)? {
            remove_folder(&folder)?;
        }
        if self.is_mounted() {
            unmount(&self.root).map_err(|e| KernelError::file("unmounting", &self.root, e))?;
        }
        fs::remove_dir(&self.root).map_err(|e| KernelError::file("removing", &self.root, e))
    }

    fn is_mounted(&self) -> bool {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        is_bpffs(&mounts, &self.root)
    }
}

fn maps_folder() -> String {
    format!("maps-{}", mesh_common::LAYOUT)
}

fn folders(root: &Path) -> Result<Vec<PathBuf>, KernelError> {
    let entries = fs::read_dir(root).map_err(|e| KernelError::file("listing", root, e))?;
    Ok(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

fn remove_folder(folder: &Path) -> Result<(), KernelError> {
    fs::remove_dir_all(folder).map_err(|e| KernelError::file("removing", folder, e))
}

fn mount(at: &Path) -> io::Result<()> {
    let at = c_path(at)?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    // SAFETY: all four texts end with a zero and outlive the call.
    done(unsafe {
        libc::mount(c"bpf".as_ptr(), at.as_ptr(), c"bpf".as_ptr(), flags, c"mode=0700".as_ptr().cast())
    })
}

fn unmount(at: &Path) -> io::Result<()> {
    let at = c_path(at)?;
    // SAFETY: the text ends with a zero and outlives the call.
    done(unsafe { libc::umount2(at.as_ptr(), libc::MNT_DETACH) })
}

fn done(result: i32) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
