use super::listener::parse;
use super::{CgroupPath, Claim, Hierarchy, Instance, Listener, Selector};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is on this host at one moment, as far as somebody asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostView {
    pub listeners: Vec<Listener>,
    pub cgroups: BTreeMap<CgroupPath, u64>,
    pub processes: Vec<Process>,
    /// The agent's own: whoever is in there is not told apart from it.
    pub own: Option<CgroupPath>,
}

/// A process, and those of the wanted listeners that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub uid: u32,
    pub cgroup: CgroupPath,
    pub listens: Vec<u64>,
}

/// Which facts instances need, so that a host's processes are not looked through for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The inodes of sockets whose holders count.
    pub sockets: HashSet<u64>,
    /// Who runs as whom.
    pub users: bool,
}

impl Wanted {
    pub fn by(instances: &[Instance], listeners: &[Listener]) -> Self {
        let apps: Vec<_> = instances
            .iter()
            .filter_map(|i| match i.claim {
                Claim::Listens(app) => Some(app),
                _ => None,
            })
            .collect();
        let wanted = listeners.iter().filter(|l| apps.iter().any(|app| l.takes(*app)));
        let by_user = |i: &Instance| matches!(i.claim, Claim::Selected(Selector::Uid(_)));
        Self { sockets: wanted.map(|l| l.inode).collect(), users: instances.iter().any(by_user) }
    }
}

impl HostView {
    /// Listeners and cgroups: quick.
    pub fn survey(hierarchy: &Hierarchy) -> Self {
        let table = |name| fs::read_to_string(format!("/proc/self/net/{name}")).unwrap_or_default();
        let tables = [table("tcp"), table("tcp6")];
        let own = fs::read_to_string("/proc/self/cgroup").ok();
        Self {
            listeners: tables.iter().flat_map(|table| parse(table)).collect(),
            cgroups: hierarchy.cgroups(),
            processes: Vec::new(),
            own: own.and_then(|text| CgroupPath::of_process(&text)),
        }
    }

    /// The processes too. This reads every process's descriptors where sockets are wanted.
    #[must_use]
    pub fn with_processes(mut self, wanted: &Wanted) -> Self {
        if wanted.users || !wanted.sockets.is_empty() {
            self.processes = processes(&wanted.sockets);
        }
        self
    }
}

/// Those that end meanwhile, and kernel threads, are left out.
fn processes(sockets: &HashSet<u64>) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| process(pid, sockets)).collect()
}

fn process(pid: u32, sockets: &HashSet<u64>) -> Option<Process> {
    let directory = Path::new("/proc").join(pid.to_string());
    let uid = fs::metadata(&directory).ok()?.uid();
    let cgroup = CgroupPath::of_process(&fs::read_to_string(directory.join("cgroup")).ok()?)?;
    let listens = if sockets.is_empty() { Vec::new() } else { held(&directory.join("fd"), sockets) };
    Some(Process { pid, uid, cgroup, listens })
}

fn held(descriptors: &Path, sockets: &HashSet<u64>) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(descriptors) else { return Vec::new() };
    let inodes = entries.flatten().filter_map(|entry| socket(&fs::read_link(entry.path()).ok()?));
    inodes.filter(|inode| sockets.contains(inode)).collect()
}

/// `socket:[17]`
fn socket(link: &Path) -> Option<u64> {
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}
