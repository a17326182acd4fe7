//! `run`.

use super::call::Call;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use crate::dataplane::workload::{Cgroup, Hierarchy};
use crate::model::ServiceName;
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::time::Duration;
use tokio::time::Instant;

/// How long the program is held back at most, and how long between two questions whether it is known.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

pub(super) const RUN: Command = Command {
    path: "run",
    synopsis: "Runs a program as a service of this host",
    arguments: "-- PROGRAM [ARGUMENT...]",
    about: "Becomes another program, which from then on is the service, and so is all that it starts: it gets a \
            cgroup of its own, by which the kernel and the agent know it. The service is registered with the \
            agent of this host as any other, with a port or without one. Making a cgroup needs root.\n\n\
            Where the kernel steers, the program begins when the agent knows the cgroup, after five seconds at \
            the latest, since the kernel refuses whom it does not know.\n\n      \
            $ mesh run -service=web -- /usr/bin/web-server --port 8080",
    flags: &[Flag::value("service", "name", "The service that the program is.")],
    api: Api::Agent,
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
    let cgroup = hierarchy.run_as(&service, std::process::id());
    let cgroup = cgroup.or_fail("Error making a cgroup for the program")?;
    if let Err(why) = known(call, &service, &cgroup).await {
        eprintln!("{why}: the first connections of {program:?} into the mesh may be refused");
    }
    let error = std::process::Command::new(program).args(arguments).exec();
    let status = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
    Err(Failure::with_status(status, format!("Error running {program:?}: {error}")))
}

/// Waits until the agent has told the kernel which service is in the cgroup.
///
/// # Errors
/// For people: why the program should begin without that.
async fn known(call: &Call, service: &ServiceName, cgroup: &Cgroup) -> Result<(), String> {
    let client = call.client().map_err(|failure| failure.message)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found =
            client.agent_self().await.map_err(|error| format!("The agent does not answer: {error}"))?;
        match standing(found.stats.get("dataplane"), service, cgroup) {
            Standing::Known => return Ok(()),
            Standing::Stranger => return Err(format!("Service {service} is not registered with the agent")),
            Standing::NotYet if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            Standing::NotYet => {
                return Err(format!("The agent does not know the cgroup {} yet", cgroup.path.as_str()));
            }
        }
    }
}

/// What the agent says of a service's cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Or nobody asks: the kernel does not steer.
    Known,
    NotYet,
    /// Nobody has registered the service.
    Stranger,
}

/// By the facts of `dataplane status`.
fn standing(facts: Option<&BTreeMap<String, Value>>, service: &ServiceName, cgroup: &Cgroup) -> Standing {
    let text = |name: &str| facts.and_then(|facts| facts.get(name)).and_then(Value::as_str);
    match text("mode") {
        Some("ebpf") => {}
        Some(mode) if mode.starts_with("unknown") => return Standing::NotYet,
        _ => return Standing::Known,
    }
    let services = facts.into_iter().flatten();
    let mut named = services.filter_map(|(name, how)| Some((name.strip_prefix("service.")?, how)));
    match named.find(|(name, _)| name.eq_ignore_ascii_case(service.as_str())) {
        None => Standing::Stranger,
        Some((_, how)) => {
            let mut words = how.as_str().unwrap_or_default().split_whitespace();
            if words.any(|word| word == cgroup.path.as_str()) { Standing::Known } else { Standing::NotYet }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataplane::workload::CgroupPath;
    use serde_json::json;

    #[test]
    fn a_program_begins_when_the_kernel_knows_its_cgroup_or_does_not_ask() {
        let service = ServiceName::new("web").unwrap();
        let path = CgroupPath::parse("/mesh-run/web/12").unwrap();
        let cgroup = Cgroup { path, id: 7 };
        let bound = "service.web";
        for (facts, expected) in [
            (json!({}), Standing::Known),
            (json!({ "mode": "userspace" }), Standing::Known),
            (json!({ "mode": "unknown: it does not answer" }), Standing::NotYet),
            (json!({ "mode": "ebpf" }), Standing::Stranger),
            (json!({ "mode": "ebpf", "service.webb": "/mesh-run/web/12 (by mesh run)" }), Standing::Stranger),
            (json!({ "mode": "ebpf", bound: "not bound: it has no port" }), Standing::NotYet),
            (json!({ "mode": "ebpf", bound: "/mesh-run/web/123 (by mesh run)" }), Standing::NotYet),
            (json!({ "mode": "ebpf", bound: "/x /mesh-run/web/12 (by mesh run)" }), Standing::Known),
            (json!({ "mode": "ebpf", "service.Web": "/mesh-run/web/12 (by mesh run)" }), Standing::Known),
        ] {
            let facts: BTreeMap<String, Value> = serde_json::from_value(facts).unwrap();
            assert_eq!(standing(Some(&facts), &service, &cgroup), expected, "{facts:?}");
        }
        assert_eq!(standing(None, &service, &cgroup), Standing::Known);
    }
}
