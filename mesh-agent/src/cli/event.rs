//! `event`.

use super::call::Call;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;

pub(super) const EVENT: Command = Command {
    path: "event",
    synopsis: "Tells all nodes that something has happened",
    arguments: "[PAYLOAD]",
    about: "Tells all nodes, or those that the filters fit, that something has happened; \"watch -type=event\" hears \
            it. Filters are regular expressions. An event may be lost: it is gossip, and not kept by the servers.",
    flags: &[
        Flag::value("name", "text", "What has happened."),
        Flag::value("node", "pattern", "Only nodes whose names fit."),
        Flag::value("service", "pattern", "Only nodes that have a service whose name fits."),
        Flag::value("tag", "pattern", "With -service: only where a tag of the service fits too."),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(event(call))),
};

async fn event(call: &Call) -> Result<String, Failure> {
    let flags = &call.matches;
    let name = flags.value("name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Failure::new("Event name must be specified"))?;
    let payload = match flags.positional.as_slice() {
        [] => String::new(),
        [payload] => payload.clone(),
        _ => return Err(Failure::new("Too many command line arguments: quote a payload of several words")),
    };
    let query = ["node", "service", "tag"]
        .into_iter()
        .fold(call.query(), |query, filter| query.with_some(filter, flags.value(filter)));
    let id = call.client()?.fire_event(name, &query, payload.into()).await;
    Ok(format!("Event ID: {}", id.or_fail("Error firing event")?))
}
