use std::collections::{HashMap, HashSet};
use std::fs;

/// USER_HZ, which Linux has fixed for what it shows to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds and resident memory of some processes and their descendants.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub cpu_s: f64,
    pub rss_kib: u64,
}

/// Measures from its start.
pub struct Sampler {
    roots: Vec<u32>,
    first: Usage,
}

impl Sampler {
    pub fn start(roots: &[u32]) -> Self {
        Self { roots: roots.to_vec(), first: usage(roots) }
    }

    pub fn first(&self) -> Usage {
        self.first
    }

    /// CPU time since the start, and memory now.
    pub fn used(&self) -> Usage {
        let now = usage(&self.roots);
        Usage { cpu_s: now.cpu_s - self.first.cpu_s, rss_kib: now.rss_kib }
    }
}

fn usage(roots: &[u32]) -> Usage {
    let mut sum = Usage::default();
    for process in with_descendants(roots) {
        let Some(fields) = stat(process) else { continue };
        let ticks =
            |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        sum.cpu_s += (ticks(11) + ticks(12)) / TICKS_PER_SECOND;
        sum.rss_kib += resident(process);
    }
    sum
}

fn with_descendants(roots: &[u32]) -> HashSet<u32> {
    let parents = parents();
    let mut found: HashSet<u32> = roots.iter().copied().collect();
    loop {
        let before = found.len();
        let children: Vec<u32> =
            parents.iter().filter(|(_, parent)| found.contains(parent)).map(|(child, _)| *child).collect();
        found.extend(children);
        if found.len() == before {
            return found;
        }
    }
}

fn parents() -> HashMap<u32, u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.filter_map(|process| Some((process, stat(process)?.get(1)?.parse().ok()?))).collect()
}

/// The fields of /proc/PID/stat behind the name: state, parent, …
fn stat(process: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, behind_name) = text.rsplit_once(") ")?;
    Some(behind_name.split(' ').map(str::to_owned).collect())
}

fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory() {
        let sampler = Sampler::start(&[std::process::id()]);
        assert!(sampler.first().rss_kib > 0);
        assert!(sampler.used().cpu_s >= 0.0);
    }
}
