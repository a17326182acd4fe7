//! What the kernel's programs cost, as the kernel itself counts it.

use super::Scene;
use super::peer::Running;
use crate::shell;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// The one program that each connect of our client runs once.
const CONNECT: &str = "mesh_connect4";

/// Has the kernel count, for all programs of the machine, and puts that back when dropped.
struct Counting {
    before: String,
}

/// How often a program ran, and how many nanoseconds in all.
type Runs = BTreeMap<String, (u64, u64)>;

/// Nanoseconds in each program for each connect of `load`, and in all of them together.
///
/// # Errors
/// The kernel does not count, or the agent does not tell.
pub fn measure(scene: &Scene, on: &Running, load: impl FnOnce() -> Result<Value>) -> Result<Value> {
    let _counting = Counting::start(Path::new(SWITCH))?;
    let before = runs(scene, on)?;
    load()?;
    let spent = since(&before, &runs(scene, on)?);
    let connects = spent.get(CONNECT).map_or(0, |(runs, _)| *runs);
    if connects == 0 {
        bail!("the kernel counted no run of {CONNECT}");
    }
    let per_connect = |nanoseconds: u64| (nanoseconds as f64 / connects as f64).round();
    let each: BTreeMap<_, _> = spent.iter().map(|(name, (_, time))| (name, per_connect(*time))).collect();
    let all = per_connect(spent.values().map(|(_, time)| time).sum());
    let measured = mesh(scene, on, "measure")?;
    Ok(json!({ "connects": connects, "ns": all, "ns_of": each, "decision_ns": decision(&measured) }))
}

impl Counting {
    fn start(switch: &Path) -> Result<Self> {
        let before = fs::read_to_string(switch).with_context(|| format!("reading {}", switch.display()))?;
        fs::write(switch, "1").with_context(|| format!("writing {}", switch.display()))?;
        Ok(Self { before })
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        if let Err(error) = fs::write(SWITCH, &self.before) {
            eprintln!("kernel.bpf_stats_enabled stays 1: {error}");
        }
    }
}

fn runs(scene: &Scene, on: &Running) -> Result<Runs> {
    mesh(scene, on, "status").map(|status| parse(&status))
}

/// What `mesh dataplane WHAT` says.
fn mesh(scene: &Scene, on: &Running, what: &str) -> Result<String> {
    let api = on.api.context("the peer has no agent of ours")?;
    let mut command = scene.namespace.command(shell::target().join("release/mesh"), None);
    command.args(["dataplane", what]).env("CONSUL_HTTP_ADDR", api.to_string());
    let output = command.output().with_context(|| format!("starting mesh dataplane {what}"))?;
    if !output.status.success() {
        bail!("mesh dataplane {what}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Lines such as `intention.rule = 60 ns`.
fn decision(measured: &str) -> BTreeMap<&str, u64> {
    let line = |line| -> Option<_> {
        let (name, time) = str::strip_prefix(line, "intention.")?.split_once(" = ")?;
        Some((name, time.strip_suffix(" ns")?.parse().ok()?))
    };
    measured.lines().filter_map(line).collect()
}

/// Lines such as `program.mesh_connect4 = attached, 900 instructions verified, 3 runs in 1234 ns`.
fn parse(status: &str) -> Runs {
    let run = |line: &str| {
        let (name, text) = line.strip_prefix("program.")?.split_once(" = ")?;
        let (runs, time) = text.rsplit_once(", ")?.1.strip_suffix(" ns")?.split_once(" runs in ")?;
        Some((name.to_owned(), (runs.parse().ok()?, time.parse().ok()?)))
    };
    status.lines().filter_map(run).collect()
}

fn since(before: &Runs, after: &Runs) -> Runs {
    let spent = |(name, (runs, time)): (&String, &(u64, u64))| {
        let (runs_before, time_before) = before.get(name).copied().unwrap_or_default();
        (name.clone(), (runs - runs_before, time - time_before))
    };
    after.iter().map(spent).filter(|(_, (runs, _))| *runs > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_read_from_what_status_says() {
        let status = "mode = ebpf\nprogram.mesh_create = attached, 9 instructions verified\n\
            program.mesh_connect4 = attached, 900 instructions verified, 3 runs in 1234 ns\n";
        let runs = parse(status);
        assert_eq!(runs, Runs::from([("mesh_connect4".to_owned(), (3, 1234))]));
        assert_eq!(decision("intention.rule = 60 ns\n"), BTreeMap::from([("rule", 60)]));
        let later = Runs::from([("mesh_connect4".to_owned(), (5, 2234)), ("mesh_create".to_owned(), (0, 0))]);
        assert_eq!(since(&runs, &later), Runs::from([("mesh_connect4".to_owned(), (2, 1000))]));
    }
}
