//! `intention check|create|delete|get|list|match`.

mod create;
mod lookup;
mod query;

use super::command::{Action, Api, Command};
use super::flags::Flag;

pub(super) const GROUP: Command = Command::group(
    "intention",
    "Says which services may connect to which",
    "Intentions say which services may connect to which. They name services, not hosts or ports, and are \
     enforced on every connection of the mesh; a change cuts open connections that are no longer allowed.\n\n      \
     $ mesh intention create -deny web db\n      $ mesh intention check web db\n      $ mesh intention match db",
);

pub(super) const CREATE: Command = Command {
    path: "intention create",
    synopsis: "Lets one service connect to another, or forbids it",
    arguments: "SRC DST | -file FILE...",
    about: "Lets SRC connect to DST, or with -deny forbids it. Either may be *, for all services. The most exact \
            intention counts.\n\n      $ mesh intention create -allow web db\n      \
            $ mesh intention create -deny '*' db\n\n\
            With -file, intentions are read from JSON files; - is standard input.",
    flags: &[
        Flag::switch("allow", "Connections are allowed. This is the default."),
        Flag::switch("deny", "Connections are denied."),
        Flag::switch("file", "The arguments are files with intentions in JSON."),
        Flag::value("description", "text", "What it is for, for people."),
        Flag::value("meta", "key=value", "Metadata. May be given several times."),
        Flag::switch("replace", "Replace the intention for the same services, if there is one."),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(create::create(call))),
};

pub(super) const CHECK: Command = Command {
    path: "intention check",
    synopsis: "Tells whether one service may connect to another",
    arguments: "SRC DST",
    about: "Tells whether SRC may connect to DST. The exit status is 0 for Allowed, 1 for Denied, and 2 when it \
            could not be found out.",
    flags: &[],
    api: Api::Servers,
    misuse: query::UNKNOWN,
    action: Action::Run(|call| Box::pin(query::check(call))),
};

pub(super) const MATCH: Command = Command {
    path: "intention match",
    synopsis: "Lists the intentions that bear on a service",
    arguments: "SRC|DST",
    about: "Lists the intentions that bear on connections to a service, or with -source from it, in the order in \
            which they are tried.",
    flags: &[
        Flag::switch("destination", "The argument is the service connected to. This is the default."),
        Flag::switch("source", "The argument is the service that connects."),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(query::matching(call))),
};

pub(super) const LIST: Command = Command {
    path: "intention list",
    synopsis: "Lists all intentions",
    arguments: "",
    about: "Lists all intentions, the most exact first.",
    flags: &[],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(query::list(call))),
};

pub(super) const GET: Command = Command {
    path: "intention get",
    synopsis: "Shows one intention",
    arguments: "SRC DST | ID",
    about: "Shows the intention for exactly these services, or with this id.",
    flags: &[],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(lookup::get(call))),
};

pub(super) const DELETE: Command = Command {
    path: "intention delete",
    synopsis: "Deletes one intention",
    arguments: "SRC DST | ID",
    about: "Deletes the intention for exactly these services, or with this id. There is no way back.",
    flags: &[],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(lookup::delete(call))),
};
