//! `watch`: shows or hands on what an endpoint answers, each time that changes.

mod handler;
mod source;

use super::call::Call;
use super::client::{Answer, Client, ClientError};
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use handler::Handler;
use serde_json::Value;
use source::Source;
use std::time::Duration;

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
        Flag::switch(
            "shell",
            "Run the words through a shell, which is the default; -shell=false runs them as they are.",
        ),
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
    let source = Source::of(call)?;
    let client = call.client()?;
    match Handler::of(call) {
        None => once(&client, &source).await,
        Some(handler) => for_ever(&client, &source, &handler).await,
    }
}

async fn once(client: &Client, source: &Source) -> Result<String, Failure> {
    let answer = source.look(client, None).await.or_fail("Error querying Consul agent")?;
    Ok(pretty(&answer.value.unwrap_or_default()))
}

/// What is the same as before is not handed on again.
async fn for_ever(client: &Client, source: &Source, handler: &Handler) -> Result<String, Failure> {
    let (mut last, mut pause): (Option<Answer<Option<Value>>>, _) = (None, PAUSE);
    loop {
        let answer: Result<Answer<Option<Value>>, ClientError> = source.look(client, last.as_ref()).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                eprintln!("watch of type '{}' errored: {error}, retry in {pause:?}", source.kind());
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
        };
        pause = PAUSE;
        if let Some(news) = source.news(last.as_ref(), &answer) {
            handler.run(&pretty(&news), answer.index).await?;
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
