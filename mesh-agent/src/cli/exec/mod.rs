//! `exec`: runs a command on many nodes.

mod follow;
mod job;
mod settings;

use super::call::Call;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use follow::Follower;
use job::Job;
use settings::Settings;

pub(super) const EXEC: Command = Command {
    path: "exec",
    synopsis: "Runs a command on many nodes",
    arguments: "- | COMMAND [ARGUMENT...]",
    about: "Runs a command on all nodes, or on those that the filters fit, and shows what it prints there. Filters \
            are regular expressions. With - alone, what is on standard input is run as a script. Nodes take part \
            whose agents are configured with `disable_remote_exec = false`, as nobody else is: whoever may write \
            values and fire events runs commands there, as the user that the agent runs as. When this command \
            ends, or is interrupted, what still runs is killed; a node kills what takes longer than an hour. \
            A mebibyte of output of each node is shown.\n\n      $ mesh exec -service=web uptime",
    flags: &[
        Flag::value("node", "pattern", "Only nodes whose names fit."),
        Flag::value("prefix", "key", "Where in the values job and output are. Default: _rexec."),
        Flag::value("service", "pattern", "Only nodes that have a service whose name fits."),
        Flag::SHELL,
        Flag::value("tag", "pattern", "With -service: only where a tag of the service fits too."),
        Flag::switch("verbose", "Say what happens."),
        Flag::value("wait", "duration", "End when nothing was heard for this time. Default: 2s."),
        Flag::value(
            "wait-repl",
            "duration",
            "How long the servers get to have the job before nodes are told of it. Default: 200ms.",
        ),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(exec(call))),
};

/// Some node has ended with another status than 0.
const SOME_FAILED: u8 = 2;

async fn exec(call: &Call) -> Result<String, Failure> {
    let settings = Settings::of(call)?;
    let client = call.client()?;
    let job = Job::lay_down(&client, &settings).await?;
    let outcome = tokio::select! {
        outcome = watched(&client, &settings, &job) => outcome,
        lost = client.keep_session(&job.session, &settings.query, 3) => Err(Failure::new(format!("Session lost: {lost}"))),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.or_fail("Error catching signals")?;
            Err(Failure::new("Interrupted: what still runs is killed"))
        }
    };
    job.clear(&client, &settings).await;
    outcome
}

async fn watched(client: &super::client::Client, settings: &Settings, job: &Job) -> Result<String, Failure> {
    tokio::time::sleep(settings.wait_replication).await;
    job.announce(client, settings).await?;
    let tally = Follower::new(settings, job).follow(client).await?;
    println!("{} / {} node(s) completed / acknowledged", tally.completed, tally.acknowledged);
    match tally.failed {
        0 => Ok(String::new()),
        _ => Err(Failure::with_status(SOME_FAILED, "")),
    }
}
