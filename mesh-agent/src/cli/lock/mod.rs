//! `lock`: runs a program while holding a lock.

mod child;
mod holding;
mod mutex;
mod semaphore;
mod settings;

use super::call::Call;
use super::client::{Client, Query};
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use child::{Child, Ended};
use holding::Holding;
use settings::Settings;

pub(super) const LOCK: Command = Command {
    path: "lock",
    synopsis: "Runs a program while holding a lock",
    arguments: "PREFIX -- PROGRAM [ARGUMENT...]",
    about: "Waits for a lock, runs a program while it is held, and gives it back. With -n, so many programs hold it \
            at a time. Where the lock is lost, because the servers cannot be reached or somebody has destroyed its \
            session, the program gets a SIGTERM, and five seconds later a SIGKILL. SIGINT, SIGTERM and SIGHUP are \
            passed on to it.\n\n      $ mesh lock jobs/backup -- ./backup.sh",
    flags: &[
        Flag::switch("child-exit-code", "End with the program's exit status where it is not 0."),
        Flag::value(
            "monitor-retry",
            "number",
            "Failures to reach the agent that do not lose the lock. Default: 3.",
        ),
        Flag::value("n", "number", "How many may hold it at a time. Default: 1."),
        Flag::value("name", "text", "A name for the session, for people."),
        Flag::switch("pass-stdin", "Give standard input to the program."),
        Flag::SHELL,
        Flag::value("timeout", "duration", "Give up when the lock is not had within this time."),
        Flag::value("try", "duration", "The same."),
        Flag::switch("verbose", "Say what happens."),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(lock(call))),
};

/// How long a session lives without being renewed.
const TTL: &str = "15s";

async fn lock(call: &Call) -> Result<String, Failure> {
    let settings = Settings::of(call)?;
    let client = call.client()?;
    let session = client.create_session(&settings.name, TTL).await.or_fail("Lock acquisition failed")?;
    let outcome = with_session(&client, &session, &settings).await;
    // What remains of it ends by itself.
    let _ = client.destroy_session(&session, &Query::new()).await;
    outcome
}

async fn with_session(client: &Client, session: &str, settings: &Settings) -> Result<String, Failure> {
    let query = Query::new();
    let mut renewal = std::pin::pin!(client.keep_session(session, &query, settings.retries));
    settings.say("Attempting lock acquisition");
    let acquired = tokio::select! {
        acquired = acquire(client, session, settings) => acquired?,
        lost = renewal.as_mut() => return Err(Failure::new(format!("Lock acquisition failed: {lost}"))),
    };
    let child = Child::start(settings)?;
    let ended = tokio::select! {
        ended = child.run() => Some(ended?),
        lost = renewal.as_mut() => lost_while_held(settings, &lost),
        lost = acquired.lost(client, settings.retries) => lost_while_held(settings, &lost),
    };
    let (ended, was_lost) = match ended {
        Some(ended) => (ended, false),
        None => (child.end().await?, true),
    };
    settings.say("Cleaning up the lock");
    acquired.release(client).await.or_fail("Lock release failed")?;
    verdict(settings, ended, was_lost)
}

/// No outcome of the program's own.
fn lost_while_held(settings: &Settings, lost: &str) -> Option<Ended> {
    settings.say(&format!("Lock lost, killing child: {lost}"));
    None
}

fn verdict(settings: &Settings, ended: Ended, was_lost: bool) -> Result<String, Failure> {
    if settings.child_exit_code && ended.status != 0 {
        return Err(Failure::with_status(ended.status, ""));
    }
    if was_lost {
        return Err(Failure::new("Lock lost: the program was ended"));
    }
    if ended.status != 0 {
        return Err(Failure::new(format!("Error running handler: exit status {}", ended.status)));
    }
    Ok(String::new())
}

async fn acquire(client: &Client, session: &str, settings: &Settings) -> Result<Holding, Failure> {
    let holding = Holding::new(session, settings);
    let acquiring = holding.acquire(client);
    match settings.patience {
        None => acquiring.await.or_fail("Lock acquisition failed")?,
        Some(patience) => match tokio::time::timeout(patience, acquiring).await {
            Ok(acquired) => acquired.or_fail("Lock acquisition failed")?,
            Err(_) => {
                holding.withdraw(client).await;
                return Err(Failure::new("Shutdown triggered or timeout during lock acquisition"));
            }
        },
    }
    Ok(holding)
}
