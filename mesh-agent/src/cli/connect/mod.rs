//! `connect ca get-config|set-config` and `connect proxy`.

mod ca;
mod proxy;

use super::command::{Action, Api, Command};
use super::flags::Flag;

pub(super) use proxy::COMMAND as PROXY;

pub(super) const GROUP: Command = Command::group(
    "connect",
    "Runs mesh proxies and shows the certificate authority",
    "Identities and encrypted connections between services: the certificate authority that vouches for them, and \
     proxies for programs that know nothing of it.",
);

pub(super) const CA: Command = Command::group(
    "connect ca",
    "Shows and changes the certificate authority",
    "The certificate authority of the mesh, which vouches for every service.",
);

pub(super) const CA_GET_CONFIG: Command = Command {
    path: "connect ca get-config",
    synopsis: "Shows how the certificate authority is set up",
    arguments: "",
    about: "Shows how the certificate authority is set up, in JSON.",
    flags: &[],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(ca::get_config(call))),
};

pub(super) const CA_SET_CONFIG: Command = Command {
    path: "connect ca set-config",
    synopsis: "Changes how the certificate authority is set up",
    arguments: "",
    about: "Changes how the certificate authority is set up, to what a JSON file says: its Provider and Config.",
    flags: &[Flag::value("config-file", "path", "The file.")],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(ca::set_config(call))),
};
