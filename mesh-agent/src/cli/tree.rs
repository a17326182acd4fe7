//! All commands.

use super::command::{Action, Api, Command};
use super::{
    autopilot, catalog, connect, dataplane, event, exec, info, intention, join, keyring, kv, launch, lock,
    maint, members, monitor, operator, rtt, services, snapshot, tls, validate, version, watch,
};

/// Sorted by path.
pub(super) const COMMANDS: &[Command] = &[
    AGENT,
    catalog::GROUP,
    catalog::DATACENTERS,
    catalog::NODES,
    catalog::SERVICES,
    connect::GROUP,
    connect::CA,
    connect::CA_GET_CONFIG,
    connect::CA_SET_CONFIG,
    connect::PROXY,
    dataplane::GROUP,
    dataplane::DETACH,
    dataplane::MEASURE,
    dataplane::STATUS,
    join::FORCE_LEAVE,
    event::EVENT,
    exec::EXEC,
    info::INFO,
    intention::GROUP,
    intention::CHECK,
    intention::CREATE,
    intention::DELETE,
    intention::GET,
    intention::LIST,
    intention::MATCH,
    join::JOIN,
    keyring::KEYGEN,
    keyring::KEYRING,
    kv::GROUP,
    kv::DELETE,
    kv::EXPORT,
    kv::GET,
    kv::IMPORT,
    kv::PUT,
    maint::LEAVE,
    lock::LOCK,
    maint::MAINT,
    members::MEMBERS,
    monitor::MONITOR,
    operator::GROUP,
    autopilot::GROUP,
    autopilot::GET,
    autopilot::SET,
    operator::RAFT,
    operator::LIST,
    operator::REMOVE,
    operator::TRANSFER,
    maint::RELOAD,
    rtt::RTT,
    launch::RUN,
    services::GROUP,
    services::DEREGISTER,
    services::REGISTER,
    snapshot::GROUP,
    snapshot::INSPECT,
    snapshot::RESTORE,
    snapshot::SAVE,
    tls::GROUP,
    tls::CA,
    tls::CA_CREATE,
    tls::CERT,
    tls::CERT_CREATE,
    validate::VALIDATE,
    version::COMMAND,
    watch::WATCH,
];

const AGENT: Command = Command {
    path: "agent",
    synopsis: "Runs an agent",
    arguments: "",
    about: "Runs an agent until it is interrupted. Every host of the mesh runs one; some of them are servers, \
            which keep the mesh's state.\n\n\
            Try it on one machine, with nothing configured:\n\n      $ mesh agent -dev",
    flags: &[],
    api: Api::None,
    misuse: 1,
    action: Action::House,
};

/// The command that the first words name, as many of them as one has, and the arguments that remain.
pub(super) fn find(arguments: &[String]) -> Option<(&'static Command, &[String])> {
    (1..=arguments.len().min(3)).rev().find_map(|count| {
        let path = arguments[..count].join(" ");
        let command = COMMANDS.iter().find(|command| command.path == path)?;
        Some((command, &arguments[count..]))
    })
}

/// The commands of a group.
pub(super) fn children(group: &Command) -> Vec<Command> {
    let depth = group.path.matches(' ').count() + 1;
    let is_child = |path: &str| {
        path.strip_prefix(group.path).is_some_and(|rest| rest.starts_with(' '))
            && path.matches(' ').count() == depth
    };
    COMMANDS.iter().filter(|command| is_child(command.path)).copied().collect()
}
