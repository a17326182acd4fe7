//! `info`.

use super::call::Call;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

pub(super) const INFO: Command = Command {
    path: "info",
    synopsis: "Shows figures of the agent, for finding faults",
    arguments: "",
    about: "Shows figures of the agent, for finding faults.",
    flags: &[],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(info(call))),
};

async fn info(call: &Call) -> Result<String, Failure> {
    let found = call.client()?.agent_self().await.or_fail("Error querying agent")?;
    Ok(shown(&found.stats))
}

fn shown(stats: &BTreeMap<String, BTreeMap<String, Value>>) -> String {
    let mut text = String::new();
    for (section, figures) in stats {
        let _ = writeln!(text, "{section}:");
        for (name, figure) in figures {
            let figure = figure.as_str().map_or_else(|| figure.to_string(), str::to_owned);
            let _ = writeln!(text, "\t{name} = {figure}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_under_their_section() {
        let stats = serde_json::json!({"raft": {"term": "2", "num_peers": 0}, "agent": {"checks": "1"}});
        let text = shown(&serde_json::from_value(stats).unwrap());
        assert_eq!(text, "agent:\n\tchecks = 1\nraft:\n\tnum_peers = 0\n\tterm = 2\n");
    }
}
