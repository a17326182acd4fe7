use super::{Hierarchy, Workload};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// Network namespaces of other hosts' making, as containers have, by their inode numbers: who is in them.
pub type Networks = BTreeMap<u64, Dweller>;

/// A process of a workload in another network namespace than the agent's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dweller {
    pub process: u32,
    /// The service that it is.
    pub service: String,
}

/// Most processes of a cgroup that are looked at: they are in one network, or in a few.
const MOST_PROCESSES: usize = 1_024;

impl Hierarchy {
    /// Where processes of the workloads are, besides the agent's own network namespace. Who ends meanwhile is left out.
    pub fn networks(&self, workloads: &[Workload]) -> Networks {
        let mut found = Networks::new();
        let own = network("self");
        for workload in workloads {
            for cgroup in &workload.cgroups {
                let processes = self.processes(&cgroup.path).into_iter().take(MOST_PROCESSES);
                for process in processes {
                    let Some(inode) = network(&process.to_string()).filter(|_| own.is_some()) else {
                        continue;
                    };
                    let dweller = || Dweller { process, service: workload.service.to_string() };
                    if Some(inode) != own {
                        found.entry(inode).or_insert_with(dweller);
                    }
                }
            }
        }
        found
    }

    fn processes(&self, path: &super::CgroupPath) -> Vec<u32> {
        let listed = fs::read_to_string(self.directory(path).join("cgroup.procs")).unwrap_or_default();
        listed.lines().filter_map(|line| line.parse().ok()).filter(|process| *process != 0).collect()
    }
}

fn network(process: &str) -> Option<u64> {
    fs::metadata(format!("/proc/{process}/ns/net")).ok().map(|namespace| namespace.ino())
}
