//! `dataplane status|detach|measure`.

use super::call::Call;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use crate::dataplane::DEFAULT_PINS;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) const GROUP: Command = Command::group(
    "dataplane",
    "Shows how connections come into the mesh",
    "Shows how applications' connections come into the mesh on this host, and takes the kernel's part away.",
);

pub(super) const STATUS: Command = Command {
    path: "dataplane status",
    synopsis: "Shows the mode, and what the kernel says",
    arguments: "",
    about: "Shows who steers connections and why, which cgroups each service of this host is, and what the \
            kernel says of its programs, maps and counters.",
    flags: &[],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(status(call))),
};

pub(super) const DETACH: Command = Command {
    path: "dataplane detach",
    synopsis: "Takes everything out of the kernel",
    arguments: "",
    about: "Takes programs and maps out of the kernel, which stay there when the agent ends so that mesh \
            destinations are refused and not reached around the mesh. The agent has to be stopped first. \
            This needs root.",
    flags: &[Flag::value("pins", "path", "Where they are kept. Default: /run/mesh/bpf.")],
    api: Api::None,
    misuse: 1,
    action: Action::Run(|call| Box::pin(detach(call))),
};

pub(super) const MEASURE: Command = Command {
    path: "dataplane measure",
    synopsis: "Measures how long the kernel takes to decide an intention",
    arguments: "",
    about: "Has the kernel run the program that decides intentions a million times over rules of its own, and shows \
            the nanoseconds of one run: where the pair has a rule, and where only the default covers it. \
            Nobody's connections are touched. This needs root.",
    flags: &[],
    api: Api::None,
    misuse: 1,
    action: Action::Run(|call| Box::pin(measure(call))),
};

async fn status(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let found = call.client()?.agent_self().await.or_fail("Error querying agent")?;
    found.stats.get("dataplane").map(shown).ok_or_else(|| Failure::new("The agent says nothing of it"))
}

/// The mode first, then by name.
fn shown(facts: &BTreeMap<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mode = facts.get("mode").map(|mode| format!("mode = {}\n", text(mode)));
    let others = facts.iter().filter(|(name, _)| *name != "mode");
    mode.into_iter().chain(others.map(|(name, value)| format!("{name} = {}\n", text(value)))).collect()
}

async fn detach(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let pins = call.matches.value("pins").unwrap_or(DEFAULT_PINS);
    take_away(Path::new(pins))?;
    Ok(format!("Nothing of {pins} is left in the kernel\n"))
}

#[cfg(target_os = "linux")]
fn take_away(pins: &Path) -> Result<(), Failure> {
    crate::dataplane::EbpfDataPlane::detach(pins).or_fail("Error detaching")
}

#[cfg(not(target_os = "linux"))]
fn take_away(_: &Path) -> Result<(), Failure> {
    Err(Failure::new("Only Linux has anything to detach"))
}

async fn measure(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    decisions()
}

#[cfg(target_os = "linux")]
fn decisions() -> Result<String, Failure> {
    let found = crate::dataplane::Lookup::measure().or_fail("Error measuring")?;
    let (own, default) = (found.by_its_own.as_nanos(), found.by_default.as_nanos());
    Ok(format!("intention.rule = {own} ns\nintention.default = {default} ns\n"))
}

#[cfg(not(target_os = "linux"))]
fn decisions() -> Result<String, Failure> {
    Err(Failure::new("Only Linux has anything to measure"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_mode_stands_first() {
        let facts = [("counter.local", json!("2")), ("mode", json!("ebpf")), ("map.dest", json!("1 of 9"))];
        let facts = facts.map(|(name, value)| (name.to_owned(), value)).into();
        assert_eq!(shown(&facts), "mode = ebpf\ncounter.local = 2\nmap.dest = 1 of 9\n");
    }
}
