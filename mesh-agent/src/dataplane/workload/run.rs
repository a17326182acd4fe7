use super::cgroup::RUN;
use super::{Cgroup, CgroupPath, Hierarchy};
use crate::model::ServiceName;
use std::io;
use std::path::{Path, PathBuf};

/// Why a process could not be put into a cgroup of its own.
#[derive(Debug, thiserror::Error)]
#[error("the service's cgroup {path} cannot be {action}: {source}; this needs to be root")]
pub struct RunError {
    path: PathBuf,
    action: &'static str,
    #[source]
    source: io::Error,
}

impl RunError {
    fn new(path: &Path, action: &'static str, source: io::Error) -> Self {
        Self { path: path.to_owned(), action, source }
    }
}

/// How often a cgroup is made that another run sweeps away before somebody is in it.
const ATTEMPTS: usize = 3;

impl Hierarchy {
    /// Moves a process into a new cgroup that is the service's. What it starts from then on stays in there, and
    /// what it becomes; sockets that it has open already keep the cgroup that they were made in.
    ///
    /// # Errors
    /// This process may not make cgroups, or not move that one.
    pub fn run_as(&self, service: &ServiceName, process: u32) -> Result<Cgroup, RunError> {
        let all = self.mount().join(RUN).join(service.as_str());
        std::fs::create_dir_all(&all).map_err(|source| RunError::new(&all, "made", source))?;
        sweep(&all);
        let own = all.join(process.to_string());
        let attempts = (0..ATTEMPTS).map(|_| enter(&own, process));
        let settled = |entered: &io::Result<()>| {
            entered.as_ref().err().is_none_or(|error| error.kind() != io::ErrorKind::NotFound)
        };
        let gone = || Err(io::ErrorKind::NotFound.into());
        let entered = attempts.into_iter().find(settled).unwrap_or_else(gone);
        entered.map_err(|source| {
            // Nobody is in it.
            let _ = std::fs::remove_dir(&own);
            RunError::new(&own, "entered", source)
        })?;
        let path = CgroupPath::parse(&format!("/{RUN}/{service}/{process}"));
        let path = path.expect("a service's name has no slash and is neither '.' nor '..'");
        let vanished = || RunError::new(&own, "looked at", io::ErrorKind::NotFound.into());
        self.cgroup(&path).ok_or_else(vanished)
    }
}

fn enter(directory: &Path, process: u32) -> io::Result<()> {
    match std::fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => std::fs::write(directory.join("cgroup.procs"), process.to_string()),
    }
}

/// Removes what earlier runs have left. The kernel keeps every cgroup that somebody is in.
fn sweep(all: &Path) {
    let Ok(entries) = std::fs::read_dir(all) else { return };
    for entry in entries.flatten() {
        // Files of the kernel and cgroups in use refuse, which is what is wanted.
        let _ = std::fs::remove_dir(entry.path());
    }
}
