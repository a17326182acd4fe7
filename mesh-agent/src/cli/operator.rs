//! `operator`.

use super::call::Call;
use super::client::RaftServer;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use super::table::{row, table};

pub(super) const GROUP: Command =
    Command::group("operator", "Looks after the servers", "Commands for those who look after the servers.");

pub(super) const RAFT: Command = Command::group(
    "operator raft",
    "Shows and changes the servers that agree on the state",
    "Shows and changes the servers that agree on the state.",
);

pub(super) const LIST: Command = Command {
    path: "operator raft list-peers",
    synopsis: "Lists the servers",
    arguments: "",
    about: "Lists the servers, which of them leads, and which have a vote.",
    flags: &[],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(list(call))),
};

pub(super) const REMOVE: Command = Command {
    path: "operator raft remove-peer",
    synopsis: "Takes a server out of the cluster",
    arguments: "",
    about: "Takes a server that is gone for good out of the cluster, so that no vote of it is waited for.",
    flags: &[
        Flag::value("id", "id", "The server's id, as list-peers shows it."),
        Flag::value("address", "ip:port", "The server's address, as list-peers shows it."),
    ],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(remove(call))),
};

pub(super) const TRANSFER: Command = Command {
    path: "operator raft transfer-leader",
    synopsis: "Has another server lead",
    arguments: "",
    about: "Has the leader step aside for another server that has a vote, before it is restarted for instance.",
    flags: &[Flag::value(
        "id",
        "id",
        "The server that is to lead; the one with most of the log unless given.",
    )],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(transfer(call))),
};

async fn list(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let servers = call.client()?.raft_servers().await.or_fail("Error getting peers")?;
    let head = row(["Node", "ID", "Address", "State", "Voter", "RaftProtocol"]);
    let rows: Vec<_> = std::iter::once(head).chain(servers.iter().map(line)).collect();
    Ok(table(&rows))
}

fn line(server: &RaftServer) -> Vec<String> {
    let state = if server.leader { "leader" } else { "follower" };
    let voter = server.voter.to_string();
    row([&server.node, &server.id, &server.address, state, &voter, &server.protocol_version])
}

async fn remove(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let (key, server) = match (call.matches.value("id"), call.matches.value("address")) {
        (Some(id), None) => ("id", id),
        (None, Some(address)) => ("address", address),
        _ => return Err(Failure::new("Exactly one of -id and -address must be given")),
    };
    call.client()?.remove_raft_server(key, server).await.or_fail("Error removing peer")?;
    Ok(format!("Removed peer with {key} {server:?}"))
}

async fn transfer(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    call.client()?
        .transfer_leader(call.matches.value("id"))
        .await
        .or_fail("Error transferring leadership")?;
    Ok("Success".to_owned())
}
