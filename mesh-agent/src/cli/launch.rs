//! `run`.

use super::call::Call;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use crate::dataplane::workload::Hierarchy;
use crate::model::ServiceName;
use std::os::unix::process::CommandExt;

pub(super) const RUN: Command = Command {
    path: "run",
    synopsis: "Runs a program as a service of this host",
    arguments: "-- PROGRAM [ARGUMENT...]",
    about: "Becomes another program, which from then on is the service, and so is all that it starts: it gets a \
            cgroup of its own, by which the kernel and the agent know it. The service is registered with the \
            agent of this host as any other, with a port or without one. Making a cgroup needs root.\n\n      \
            $ mesh run -service=web -- /usr/bin/web-server --port 8080",
    flags: &[Flag::value("service", "name", "The service that the program is.")],
    api: Api::None,
    misuse: 1,
    action: Action::Run(|call| Box::pin(run(call))),
};

async fn run(call: &Call) -> Result<String, Failure> {
    let name = call.matches.value("service").ok_or_else(|| Failure::new("-service is required"))?;
    let service = ServiceName::new(name).or_fail("-service")?;
    let [program, arguments @ ..] = call.matches.positional.as_slice() else {
        return Err(Failure::new("a program to run is required, after --"));
    };
    let hierarchy = Hierarchy::find().or_fail("Error finding the cgroups of this host")?;
    hierarchy.run_as(&service, std::process::id()).or_fail("Error making a cgroup for the program")?;
    let error = std::process::Command::new(program).args(arguments).exec();
    let status = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
    Err(Failure::with_status(status, format!("Error running {program:?}: {error}")))
}
