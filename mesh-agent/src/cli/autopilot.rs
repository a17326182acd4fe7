//! `operator autopilot`.

use super::call::Call;
use super::client::Autopilot;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use std::str::FromStr;

pub(super) const GROUP: Command = Command::group(
    "operator autopilot",
    "Shows and changes how servers are taken in and out",
    "Shows and changes how the leader takes servers in and out.",
);

pub(super) const GET: Command = Command {
    path: "operator autopilot get-config",
    synopsis: "Shows how servers are taken in and out",
    arguments: "",
    about: "Shows how the leader takes servers in and out.",
    flags: &[],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(get(call))),
};

pub(super) const SET: Command = Command {
    path: "operator autopilot set-config",
    synopsis: "Changes how servers are taken in and out",
    arguments: "",
    about: "Changes how the leader takes servers in and out; what is not given stays as it is.",
    flags: &[
        Flag::value("cleanup-dead-servers", "true|false", "Whether failed servers lose their votes."),
        Flag::value(
            "last-contact-threshold",
            "duration",
            "How long a healthy server may not have answered the leader.",
        ),
        Flag::value(
            "max-trailing-logs",
            "count",
            "How many entries a healthy server may be behind the leader.",
        ),
        Flag::value(
            "min-quorum",
            "count",
            "No failed server is taken out where fewer than these would be left.",
        ),
        Flag::value(
            "server-stabilization-time",
            "duration",
            "How long a new server has to be alive before it gets a vote.",
        ),
        Flag::value("disable-upgrade-migration", "true|false", "Kept, without effect."),
        Flag::value("redundancy-zone-tag", "key", "Kept by Consul Enterprise; without effect here."),
        Flag::value("upgrade-version-tag", "key", "Kept by Consul Enterprise; without effect here."),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(set(call))),
};

async fn get(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let config = call.client()?.autopilot(&call.query()).await;
    let config = config.or_fail("Error querying Autopilot configuration")?;
    Ok(shown(&config))
}

/// As Consul shows it, which scripts read.
fn shown(config: &Autopilot) -> String {
    let Autopilot { cleanup_dead_servers, last_contact_threshold, max_trailing_logs, .. } = config;
    let Autopilot { min_quorum, server_stabilization_time, redundancy_zone_tag, .. } = config;
    let Autopilot { disable_upgrade_migration, upgrade_version_tag, .. } = config;
    format!(
        "CleanupDeadServers = {cleanup_dead_servers}\n\
         LastContactThreshold = {last_contact_threshold}\n\
         MaxTrailingLogs = {max_trailing_logs}\n\
         MinQuorum = {min_quorum}\n\
         ServerStabilizationTime = {server_stabilization_time}\n\
         RedundancyZoneTag = {redundancy_zone_tag:?}\n\
         DisableUpgradeMigration = {disable_upgrade_migration}\n\
         UpgradeMigrationTag = {upgrade_version_tag:?}"
    )
}

async fn set(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let client = call.client()?;
    let config = client.autopilot(&call.query()).await;
    let config = changed(call, config.or_fail("Error querying Autopilot configuration")?)?;
    let done = client.set_autopilot(&config, call.query()).await;
    match done.or_fail("Error setting Autopilot configuration")? {
        true => Ok("Configuration updated!".to_owned()),
        false => Err(Failure::new("Configuration could not be atomically updated, please try again")),
    }
}

/// Durations are checked where they are kept.
fn changed(call: &Call, old: Autopilot) -> Result<Autopilot, Failure> {
    let text = |flag: &str, old: String| call.matches.value(flag).map_or(old, str::to_owned);
    Ok(Autopilot {
        cleanup_dead_servers: parsed(call, "cleanup-dead-servers", old.cleanup_dead_servers)?,
        last_contact_threshold: text("last-contact-threshold", old.last_contact_threshold),
        max_trailing_logs: parsed(call, "max-trailing-logs", old.max_trailing_logs)?,
        min_quorum: parsed(call, "min-quorum", old.min_quorum)?,
        server_stabilization_time: text("server-stabilization-time", old.server_stabilization_time),
        ..old
    })
}

fn parsed<T: FromStr>(call: &Call, flag: &str, old: T) -> Result<T, Failure> {
    let Some(text) = call.matches.value(flag) else { return Ok(old) };
    text.parse().map_err(|_| Failure::new(format!("invalid value {text:?} for flag -{flag}")))
}
