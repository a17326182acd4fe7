//! `maint`, `reload` and `leave`: what an operator does to a running agent.

use super::call::Call;
use super::client::AgentCheck;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;

pub(super) const MAINT: Command = Command {
    path: "maint",
    synopsis: "Takes this node or one of its services out of use for a while",
    arguments: "",
    about: "Takes this node, or with -service one of its services, out of use: a critical check is put on it, so \
            that nobody is sent there. It stays so over restarts, until -disable. Without flags it shows what is \
            out of use now.",
    flags: &[
        Flag::switch("disable", "Back into use."),
        Flag::switch("enable", "Out of use."),
        Flag::value("reason", "text", "Why, for people."),
        Flag::value("service", "id", "The service instance; without it, the whole node."),
    ],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(maint(call))),
};

pub(super) const RELOAD: Command = Command {
    path: "reload",
    synopsis: "Makes the agent read its configuration again",
    arguments: "",
    about: "Makes the agent read its configuration again: services, checks and the log level. A SIGHUP does the \
            same.",
    flags: &[],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(reload(call))),
};

pub(super) const LEAVE: Command = Command {
    path: "leave",
    synopsis: "Makes the agent leave the cluster and stop",
    arguments: "",
    about: "Makes the agent leave the cluster and stop, without being taken for failed.",
    flags: &[],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(leave(call))),
};

/// What the maintenance checks of Consul are called.
const NODE_CHECK: &str = "_node_maintenance";
const SERVICE_CHECK: &str = "_service_maintenance:";

async fn maint(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let flags = &call.matches;
    let (enable, disable, reason) = (flags.is_on("enable"), flags.is_on("disable"), flags.value("reason"));
    match (enable, disable) {
        (true, true) => Err(Failure::new("Only one of -enable or -disable may be provided")),
        (false, _) if reason.is_some() => Err(Failure::new("Reason may only be provided with -enable")),
        (false, false) if flags.value("service").is_some() => {
            Err(Failure::new("Service requires either -enable or -disable"))
        }
        (false, false) => show(call).await,
        _ => set(call, enable, reason.unwrap_or_default()).await,
    }
}

async fn set(call: &Call, enable: bool, reason: &str) -> Result<String, Failure> {
    let service = call.matches.value("service");
    let what = if service.is_some() { "service" } else { "node" };
    let doing = if enable { "enabling" } else { "disabling" };
    let done = if enable { "enabled" } else { "disabled" };
    let outcome = call.client()?.maintenance(service, enable, reason).await;
    outcome.or_fail(format!("Error {doing} {what} maintenance"))?;
    Ok(match service {
        Some(id) => format!("Service maintenance is now {done} for \"{id}\""),
        None => format!("Node maintenance is now {done}"),
    })
}

async fn show(call: &Call) -> Result<String, Failure> {
    let checks = call.client()?.agent_checks().await.or_fail("Error getting checks")?;
    Ok(checks.values().filter_map(shown).collect::<Vec<_>>().join("\n"))
}

fn shown(check: &AgentCheck) -> Option<String> {
    if check.check_id == NODE_CHECK {
        return Some(format!("Node:\n  Name:   {}\n  Reason: {}\n", check.node, check.notes));
    }
    let id = check.check_id.strip_prefix(SERVICE_CHECK)?;
    Some(format!("Service:\n  ID:     {id}\n  Reason: {}\n", check.notes))
}

async fn reload(call: &Call) -> Result<String, Failure> {
    call.client()?.reload().await.or_fail("Error reloading")?;
    Ok("Configuration reload triggered".to_owned())
}

async fn leave(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    call.client()?.leave().await.or_fail("Error leaving")?;
    Ok("Graceful leave complete".to_owned())
}
