//! `version`.

use super::Program;
use super::call::Call;
use super::command::{Action, Api, Command};
use super::failure::Failure;
use super::flags::Flag;
use serde::Serialize;

/// Our own version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version of Consul whose interfaces we offer, for clients that ask for it.
pub const CONSUL_VERSION: &str = "1.8.7";

pub(super) const COMMAND: Command = Command {
    path: "version",
    synopsis: "Prints the version",
    arguments: "",
    about: "Prints the version of the program and of the protocol between agents. Under the name consul it prints \
            the version of Consul whose interfaces it offers.",
    flags: &[Flag::value("format", "format", "pretty or json. Default: pretty.")],
    api: Api::None,
    misuse: 1,
    action: Action::Run(|call| Box::pin(version(call))),
};

/// In Consul's order.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    version: &'static str,
    revision: &'static str,
    prerelease: &'static str,
    #[serde(rename = "RPC")]
    rpc: Protocols,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Protocols {
    default: u8,
    min: u8,
    max: u8,
}

const PROTOCOLS: Protocols = Protocols { default: 2, min: 2, max: 3 };

async fn version(call: &Call) -> Result<String, Failure> {
    match call.matches.value("format") {
        None | Some("pretty") => Ok(text(call.program)),
        Some("json") => json(call.program),
        Some(found) => Err(Failure::new(format!("unknown format {found:?}: want pretty or json"))),
    }
}

fn number(program: Program) -> &'static str {
    match program {
        Program::Mesh => VERSION,
        Program::Consul => CONSUL_VERSION,
    }
}

pub(super) fn text(program: Program) -> String {
    let Protocols { default, min, max } = PROTOCOLS;
    let protocol = format!("Protocol {default} spoken by default, understands {min} to {max}");
    match program {
        Program::Mesh => format!("Mesh v{VERSION}\n{protocol}\n"),
        Program::Consul => format!("Consul v{CONSUL_VERSION}\n{protocol}\nThis is mesh v{VERSION}\n"),
    }
}

fn json(program: Program) -> Result<String, Failure> {
    let versions = Versions { version: number(program), revision: "", prerelease: "", rpc: PROTOCOLS };
    serde_json::to_string_pretty(&versions).map_err(Failure::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_what_harnesses_parse() {
        assert!(text(Program::Consul).starts_with("Consul v1.8.7\n"));
        assert!(text(Program::Mesh).starts_with(&format!("Mesh v{VERSION}\nProtocol ")));
        assert!(json(Program::Consul).unwrap().contains("\"Version\": \"1.8.7\""));
    }
}
