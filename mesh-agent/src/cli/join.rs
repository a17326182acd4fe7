//! `join` and `force-leave`.

use super::call::Call;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;

pub(super) const JOIN: Command = Command {
    path: "join",
    synopsis: "Makes the agent join a cluster",
    arguments: "ADDRESS...",
    about: "Makes a running agent join a cluster through any of its members, each given as host or host:port.",
    flags: &[Flag::switch("wan", "Join the servers of another datacenter: port 8302 unless given.")],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(join(call))),
};

pub(super) const FORCE_LEAVE: Command = Command {
    path: "force-leave",
    synopsis: "Says of a failed member that it left",
    arguments: "NODE",
    about: "Says of a member that failed that it left, so that nobody waits for it any more. A member that is alive \
            contradicts and stays.",
    flags: &[Flag::switch("prune", "Do not show it in the list of members any more.")],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(force_leave(call))),
};

async fn join(call: &Call) -> Result<String, Failure> {
    let addresses = &call.matches.positional;
    if addresses.is_empty() {
        return Err(Failure::new("At least one address to join must be specified."));
    }
    let wan = call.matches.is_on("wan");
    let client = call.client()?;
    let (mut joined, mut errors) = (0, Vec::new());
    for address in addresses {
        match client.join(address, wan).await {
            Ok(()) => joined += 1,
            Err(error) => errors.push(format!("Error joining address '{address}': {error}")),
        }
    }
    let done = format!("Successfully joined cluster by contacting {joined} nodes.");
    match (joined, errors.is_empty()) {
        (_, true) => Ok(done),
        (0, false) => Err(Failure::new(format!("{}\nFailed to join any nodes.", errors.join("\n")))),
        (_, false) => Err(Failure { output: done, message: errors.join("\n"), status: 1 }),
    }
}

async fn force_leave(call: &Call) -> Result<String, Failure> {
    let [node] = call.matches.positional.as_slice() else {
        return Err(Failure::new("A single node name must be specified to force leave."));
    };
    let left = call.client()?.force_leave(node, call.matches.is_on("prune")).await;
    left.or_fail("Error force leaving")?;
    Ok(String::new())
}
