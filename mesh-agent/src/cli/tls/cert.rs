use super::files::{free, save};
use super::{days, domain};
use crate::cli::call::Call;
use crate::cli::command::{Action, Api, Command};
use crate::cli::failure::{Failure, OrFail};
use crate::cli::flags::Flag;
use crate::clock::Clock;
use crate::pki::cluster::{AgentCa, AgentNames, NodeRole, Purpose};
use std::fs;
use std::net::IpAddr;

pub(in crate::cli) const CREATE: Command = Command {
    path: "tls cert create",
    synopsis: "Makes a certificate",
    arguments: "",
    about: "Makes a certificate and its key in the current directory, named DATACENTER-server-DOMAIN-0.pem and \
            DATACENTER-server-DOMAIN-0-key.pem, with the next number that is free: `cert_file` and `key_file` of an \
            agent.\n\n      $ mesh tls cert create -server -dc=dc1",
    flags: &[
        Flag::value("additional-dnsname", "name", "One more name. It can be given several times."),
        Flag::value("additional-ipaddress", "address", "One more address. It can be given several times."),
        Flag::value("ca", "path", "The authority's certificate. Default: DOMAIN-agent-ca.pem."),
        Flag::switch("cli", "For a command line that shows it to agents: it makes nobody a node."),
        Flag::switch("client", "For an agent that is no server."),
        Flag::value("days", "count", "How long it is valid. Default: 365."),
        Flag::value("dc", "name", "The datacenter that it is good in. Default: dc1."),
        Flag::value("domain", "name", "The domain of the cluster. Default: consul."),
        Flag::value("key", "path", "The authority's key. Default: DOMAIN-agent-ca-key.pem."),
        Flag::value("node", "name", "With -server: also name it NODE.server.DATACENTER.DOMAIN."),
        Flag::switch("server", "For a server, which may have all of the state, keys included."),
    ],
    api: Api::None,
    misuse: 1,
    action: Action::Run(|call| Box::pin(create(call))),
};

const DAYS: u32 = 365;
/// Certificates of one kind in a directory.
const MOST: u32 = 10_000;
const WARNING: &str = "==> WARNING: Server Certificates grants authority to become a\n    \
    server and access all state in the cluster including root keys\n    \
    and all ACL tokens. Do not distribute them to production hosts\n    \
    that are not server nodes. Store them as securely as CA keys.\n";

async fn create(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let names = names(call)?;
    let days = days(call, DAYS)?;
    let (ca, key) = (place(call, "ca", "agent-ca.pem"), place(call, "key", "agent-ca-key.pem"));
    let certificate = fs::read_to_string(&ca).or_fail(format!("Error reading CA: {ca}"))?;
    let private_key = fs::read_to_string(&key).or_fail(format!("Error reading CA key: {key}"))?;
    let authority = AgentCa::open(&certificate, &private_key).or_fail("Error reading CA")?;
    let made =
        authority.issue(&names, Clock::System.now(), days).or_fail("Error creating the certificate")?;
    let kind = match names.purpose {
        Purpose::Node(role) => role.label(),
        Purpose::Cli => "cli",
    };
    let prefix = format!("{}-{kind}-{}", names.datacenter, names.domain);
    let numbered = |number| (format!("{prefix}-{number}.pem"), format!("{prefix}-{number}-key.pem"));
    let saved = save(&free((0..=MOST).map(numbered))?, &made)?;
    let warning = if names.purpose == Purpose::Node(NodeRole::Server) { WARNING } else { "" };
    Ok(format!("{warning}==> Using {ca} and {key}\n{saved}"))
}

fn names(call: &Call) -> Result<AgentNames, Failure> {
    let purpose = purpose(call)?;
    let (datacenter, domain) = (call.matches.value("dc").unwrap_or("dc1"), domain(call));
    let given =
        |flag| call.matches.values(flag).iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    let node = call.matches.value("node").map(|node| format!("{node}.server.{datacenter}.{domain}"));
    if node.is_some() && purpose != Purpose::Node(NodeRole::Server) {
        return Err(Failure::new("-node requires -server"));
    }
    Ok(AgentNames {
        purpose,
        dns: given("additional-dnsname").map(str::to_owned).chain(node).collect(),
        addresses: given("additional-ipaddress").map(address).collect::<Result<_, _>>()?,
        datacenter: datacenter.to_owned(),
        domain: domain.to_owned(),
    })
}

fn purpose(call: &Call) -> Result<Purpose, Failure> {
    let is_on = |flag| call.matches.is_on(flag);
    match (is_on("server"), is_on("client"), is_on("cli")) {
        (true, false, false) => Ok(Purpose::Node(NodeRole::Server)),
        (false, true, false) => Ok(Purpose::Node(NodeRole::Client)),
        (false, false, true) => Ok(Purpose::Cli),
        _ => Err(Failure::new("Please provide either -server, -client, or -cli")),
    }
}

fn address(text: &str) -> Result<IpAddr, Failure> {
    text.parse().map_err(|_| {
        Failure::new(format!("invalid value {text:?} for flag -additional-ipaddress: want an address"))
    })
}

/// Where the authority is unless it was said. Consul's own default can be given too.
fn place(call: &Call, flag: &str, name: &str) -> String {
    let domain = domain(call);
    let given = call.matches.value(flag).map(|path| path.replacen("#DOMAIN#", domain, 1));
    given.unwrap_or_else(|| format!("{domain}-{name}"))
}
