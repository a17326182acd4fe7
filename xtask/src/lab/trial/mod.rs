//! `cargo xtask lab test`: what must hold while machines of the cluster die, are cut off, reboot and are upgraded.
//!
//! It knows the cluster by its HTTP API and by what its machines' shells say.

mod api;
mod leaders;
mod parting;
mod path;
mod rebooting;
mod rolling;
mod scene;
mod writer;

use super::cluster::Lab;
use super::network::Network;
use super::upgrade::Build;
use super::{Hardware, end};
use crate::shell;
use anyhow::{Context, Result, bail};
use scene::Scene;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    hardware: Hardware,
    /// What the machines are upgraded to, instead of an unoptimized build
    #[arg(long, value_name = "PATH")]
    upgrade: Option<PathBuf>,
    /// Only these, after the start, instead of all
    #[arg(long, value_enum, value_delimiter = ',')]
    step: Vec<Step>,
    /// Leave the machines running; they are left where a step fails, too
    #[arg(long)]
    keep: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Step {
    /// The leader's power is cut
    Leader,
    /// The power of all is cut
    Blackout,
    /// The leader is cut off from the others
    Server,
    /// A client is cut off from the others
    Client,
    /// A service of one client reaches one of the other, where an intention lets it
    Path,
    /// One machine after the other gets another binary
    Upgrade,
}

impl Step {
    const EACH: [Self; 6] =
        [Self::Leader, Self::Blackout, Self::Server, Self::Client, Self::Path, Self::Upgrade];

    /// What is done, for the report.
    fn title(self) -> &'static str {
        match self {
            Self::Leader => "the leader's power is cut",
            Self::Blackout => "the power of all is cut",
            Self::Server => "the leader is cut off",
            Self::Client => "a client is cut off",
            Self::Path => "the data plane between the clients",
            Self::Upgrade => "a rolling upgrade",
        }
    }

    /// Takes it; what was found, a line each.
    fn take(self, scene: &mut Scene<'_>) -> Result<Vec<String>> {
        match self {
            Self::Leader => leaders::dies(scene),
            Self::Blackout => rebooting::all(scene),
            Self::Server => parting::leader(scene),
            Self::Client => parting::client(scene),
            Self::Path => path::between_clients(scene),
            Self::Upgrade => rolling::upgrade(scene),
        }
    }
}

/// What came of a step.
struct Outcome {
    title: &'static str,
    took: Duration,
    found: Result<Vec<String>>,
}

pub fn run(network: Network, options: &Options) -> Result<()> {
    let next = match &options.upgrade {
        Some(path) => path.clone(),
        None => unoptimized()?,
    };
    let lab = Lab::prepare(network, &[], &options.hardware)?;
    if let Some(node) = lab.running().first() {
        bail!("{} runs already, with data of its own: `cargo xtask lab down` ends it", node.name);
    }
    let next = Build::of(&next)?;
    lab.network.ensure()?;
    lab.network.enter()?;
    let outcomes = outcomes(&lab, next, &options.step);
    print!("{}", report(&outcomes, lab.is_slow()));
    if outcomes.iter().any(|outcome| outcome.found.is_err()) {
        bail!("the lab's test failed; its machines are left as they are, until `cargo xtask lab down`");
    }
    if options.keep { Ok(()) } else { end(&lab.network) }
}

fn unoptimized() -> Result<PathBuf> {
    shell::must(shell::cargo(&["build", "--workspace", "--bin", "mesh"]))?;
    Ok(shell::target().join("debug/mesh"))
}

/// The first that fails is the last that is taken: nobody knows what a cluster is worth after it.
fn outcomes(lab: &Lab, next: Build, wanted: &[Step]) -> Vec<Outcome> {
    let mut scene = None;
    let started = told("the start", || {
        let (made, found) = Scene::start(lab, next)?;
        scene = Some(made);
        Ok(found)
    });
    let mut outcomes = vec![started];
    let Some(mut scene) = scene else { return outcomes };
    for step in Step::EACH.into_iter().filter(|step| wanted.is_empty() || wanted.contains(step)) {
        outcomes.push(told(step.title(), || step.take(&mut scene)));
        if outcomes.last().is_some_and(|outcome| outcome.found.is_err()) {
            return outcomes;
        }
    }
    outcomes.push(told("in the end", || scene.end()));
    outcomes
}

/// Tells what comes of it when it has come: the report is a long way off.
fn told(title: &'static str, step: impl FnOnce() -> Result<Vec<String>>) -> Outcome {
    shell::announce(title);
    let began = Instant::now();
    let found = step().with_context(|| format!("in \"{title}\""));
    let outcome = Outcome { title, took: began.elapsed(), found };
    print!("{}", outcome.lines());
    outcome
}

impl Outcome {
    fn lines(&self) -> String {
        let seconds = self.took.as_secs_f64();
        match &self.found {
            Ok(found) => {
                let lines: String = found.iter().map(|line| format!("    {line}\n")).collect();
                format!("passed  {:36}{seconds:6.1} s\n{lines}", self.title)
            }
            Err(error) => format!("FAILED  {:36}{seconds:6.1} s\n    {error:#}\n", self.title),
        }
    }
}

fn report(outcomes: &[Outcome], slow: bool) -> String {
    let lines: String = outcomes.iter().map(Outcome::lines).collect();
    let emulated = "these machines are emulated: no second here is one of a machine's\n";
    format!("\nlab test:\n{lines}{}", if slow { emulated } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_what_failed_and_whether_its_seconds_are_those_of_an_emulator() {
        let outcome = |found| Outcome { title: "the start", took: Duration::from_millis(1500), found };
        let passed = [outcome(Ok(vec!["five machines".to_owned()]))];
        assert!(report(&passed, false).ends_with("1.5 s\n    five machines\n"));
        assert!(report(&passed, true).contains("emulated"));
        let failed = [outcome(Err(anyhow::anyhow!("no leader")))];
        assert!(report(&failed, false).contains("FAILED"));
    }
}
