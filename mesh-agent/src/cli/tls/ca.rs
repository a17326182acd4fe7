use super::files::save;
use super::{days, domain};
use crate::cli::call::Call;
use crate::cli::command::{Action, Api, Command};
use crate::cli::failure::{Failure, OrFail};
use crate::cli::flags::Flag;
use crate::clock::Clock;
use crate::pki::cluster::AgentCa;
use std::path::Path;

pub(in crate::cli) const CREATE: Command = Command {
    path: "tls ca create",
    synopsis: "Makes a new authority",
    arguments: "",
    about: "Makes a new authority in the current directory: DOMAIN-agent-ca.pem, which is `ca_file` of every agent, \
            and DOMAIN-agent-ca-key.pem, with which certificates are made and which no agent needs. Keep it safe: \
            whoever has it can make servers.",
    flags: &[
        Flag::value(
            "additional-name-constraint",
            "domain",
            "With -name-constraint, certificates may name what is in this domain too. It can be given several times.",
        ),
        Flag::value("days", "count", "How long it is valid. Default: 1825, which are five years."),
        Flag::value(
            "domain",
            "name",
            "The domain of the cluster, which the files are named after. Default: consul.",
        ),
        Flag::switch(
            "name-constraint",
            "It may sign names in -domain, `localhost` and what -additional-name-constraint says, and no others. \
             This cannot be changed later.",
        ),
    ],
    api: Api::None,
    misuse: 1,
    action: Action::Run(|call| Box::pin(create(call))),
};

/// Five years.
const DAYS: u32 = 1825;

async fn create(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let domain = domain(call);
    let names = (format!("{domain}-agent-ca.pem"), format!("{domain}-agent-ca-key.pem"));
    for name in [&names.0, &names.1] {
        if Path::new(name).symlink_metadata().is_ok() {
            return Err(Failure::new(format!("{name} already exists.")));
        }
    }
    let made = AgentCa::create(Clock::System.now(), days(call, DAYS)?, &constraints(call, domain));
    save(&names, &made.or_fail("Error creating the CA")?)
}

fn constraints(call: &Call, domain: &str) -> Vec<String> {
    if !call.matches.is_on("name-constraint") {
        return Vec::new();
    }
    let more = call.matches.values("additional-name-constraint").iter().map(|name| name.trim().to_owned());
    more.chain([domain.to_owned(), "localhost".to_owned()]).filter(|name| !name.is_empty()).collect()
}
