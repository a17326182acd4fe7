//! `watch`: shows or hands on what an endpoint answers, each time that changes. An agent's configured watches
//! are the same, with that agent as their server.

mod handler;
mod http_handler;
mod source;

use super::call::Call;
use super::client::{Answer, Client, ClientError};
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use serde_json::Value;
use std::time::Duration;

pub use handler::{Handler, HandlerError, ProgramHandler};
pub use http_handler::{HttpHandler, HttpTarget};
pub use source::{Source, SourceError, Wanted};

pub(super) const WATCH: Command = Command {
    path: "watch",
    synopsis: "Runs a program each time that something changes",
    arguments: "[PROGRAM [ARGUMENT...]]",
    about: "Watches a key, a service, a list or events. With a program, runs it now and each time that there is \
            something new, with the JSON of it on standard input; without one, shows it once and ends.\n\n      \
            $ mesh watch -type=service -service=web ./reconfigure.sh",
    flags: &[
        Flag::value("key", "key", "Of type key: which."),
        Flag::value("name", "text", "Of type event: only events of this name."),
        Flag::switch("passingonly", "Of type service: only instances that pass."),
        Flag::value("prefix", "text", "Of type keyprefix: which."),
        Flag::value("service", "name", "Of types service, checks, connect_leaf: which."),
        Flag::value("service-id", "id", "Of type agent_service: which."),
        Flag::SHELL,
        Flag::value("state", "state", "Of type checks: only those in this state."),
        Flag::value("tag", "text", "Of type service: only instances with this tag."),
        Flag::value(
            "type",
            "type",
            "key, keyprefix, services, nodes, service, checks, event, connect_roots, connect_leaf or agent_service.",
        ),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(watch(call))),
};

/// After a failure; it doubles up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

async fn watch(call: &Call) -> Result<String, Failure> {
    let source = Source::new(&wanted(call), call.query()).map_err(Failure::new)?;
    let client = call.client()?;
    let Some(handler) = Handler::of(call) else { return once(&client, &source).await };
    let tell = |trouble: Trouble| {
        eprintln!("{trouble}");
        match trouble {
            Trouble::Handler(error @ HandlerError::Start { .. }) => Err(error),
            _ => Ok(()),
        }
    };
    follow(&client, &source, &handler, tell).await.map_err(|_| Failure::new("Nobody can be told of changes"))
}

fn wanted(call: &Call) -> Wanted {
    let flags = &call.matches;
    let value = |flag| flags.value(flag).map(str::to_owned);
    Wanted {
        kind: value("type").unwrap_or_default(),
        key: value("key"),
        name: value("name"),
        passing_only: flags.is_on("passingonly"),
        prefix: value("prefix"),
        service: value("service"),
        service_id: value("service-id"),
        state: value("state"),
        tag: value("tag"),
    }
}

async fn once(client: &Client, source: &Source) -> Result<String, Failure> {
    let answer = source.look(client, None).await.or_fail("Error querying Consul agent")?;
    Ok(pretty(&answer.value.unwrap_or_default()))
}

/// What went wrong in a watch that goes on.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("watch of type '{kind}' errored: {error}, retry in {pause:?}")]
    Source { kind: &'static str, error: ClientError, pause: Duration },
    #[error(transparent)]
    Handler(HandlerError),
}

/// Tells the handler what there is, and each time that it changes; what is the same as before is not handed on
/// again. It ends only with what `trouble` makes an error of.
pub async fn follow<E, T>(
    client: &Client,
    source: &Source,
    handler: &Handler,
    trouble: impl Fn(Trouble) -> Result<(), E>,
) -> Result<T, E> {
    let (mut last, mut pause): (Option<Answer<Option<Value>>>, _) = (None, PAUSE);
    loop {
        let answer: Result<Answer<Option<Value>>, ClientError> = source.look(client, last.as_ref()).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                trouble(Trouble::Source { kind: source.kind(), error, pause })?;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
        };
        pause = PAUSE;
        if let Some(news) = source.news(last.as_ref(), &answer) {
            let told = handler.tell(&pretty(&news), answer.index).await;
            told.or_else(|error| trouble(Trouble::Handler(error)))?;
        }
        last = Some(answer);
    }
}

fn pretty(value: &Value) -> String {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    serde::Serialize::serialize(value, &mut serializer).expect("a JSON value is JSON");
    String::from_utf8(text).expect("JSON is UTF-8")
}
