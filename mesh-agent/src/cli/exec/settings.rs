use crate::cli::call::Call;
use crate::cli::client::Query;
use crate::cli::failure::{Failure, OrFail};
use crate::wire::GoDuration;
use std::io::Read;
use std::time::Duration;

/// What is to be run, where, and for how long to listen.
pub(super) struct Settings {
    pub(super) task: Task,
    /// Where values are.
    pub(super) prefix: String,
    pub(super) node: String,
    pub(super) service: String,
    pub(super) tag: String,
    pub(super) wait: Duration,
    pub(super) wait_replication: Duration,
    pub(super) datacenter: Option<String>,
    /// Names the datacenter, where one is.
    pub(super) query: Query,
    verbose: bool,
}

pub(super) enum Task {
    Line(String),
    Words(Vec<String>),
    Script(Vec<u8>),
}

/// Longest script, in bytes: as a value it grows by a third, and is at most 512 KiB then.
const MOST_SCRIPT: u64 = 256 * 1024;

impl Settings {
    pub(super) fn of(call: &Call) -> Result<Self, Failure> {
        let flags = &call.matches;
        let text = |flag: &str| flags.value(flag).unwrap_or_default().to_owned();
        let (service, tag) = (text("service"), text("tag"));
        if !tag.is_empty() && service.is_empty() {
            return Err(Failure::new("Cannot provide tag filter without service filter."));
        }
        Ok(Self {
            task: task(call)?,
            prefix: flags.value("prefix").unwrap_or("_rexec").trim_matches('/').to_owned(),
            node: text("node"),
            service,
            tag,
            wait: duration(call, "wait", Duration::from_secs(2))?,
            wait_replication: duration(call, "wait-repl", Duration::from_millis(200))?,
            datacenter: flags.value("datacenter").map(str::to_owned),
            query: Query::new().with_some("dc", flags.value("datacenter")),
            verbose: flags.is_on("verbose"),
        })
    }

    pub(super) fn say(&self, what: &str) {
        if self.verbose {
            println!("==> {what}");
        }
    }
}

fn task(call: &Call) -> Result<Task, Failure> {
    let words = &call.matches.positional;
    let none = || Failure::new("Must specify a command to execute");
    match words.as_slice() {
        [] => Err(none()),
        [dash] if dash == "-" => {
            let mut script = Vec::new();
            let read = std::io::stdin().lock().take(MOST_SCRIPT + 1).read_to_end(&mut script);
            match read.or_fail("Failed to read stdin")? as u64 {
                0 => Err(none()),
                1..=MOST_SCRIPT => Ok(Task::Script(script)),
                _ => Err(Failure::new(format!("The script is longer than {MOST_SCRIPT} bytes"))),
            }
        }
        words if !call.matches.through_shell() => Ok(Task::Words(words.to_vec())),
        words => Ok(Task::Line(words.join(" "))),
    }
}

fn duration(call: &Call, flag: &str, default: Duration) -> Result<Duration, Failure> {
    let Some(text) = call.matches.value(flag) else { return Ok(default) };
    let parsed: Result<GoDuration, _> = text.parse();
    Ok(parsed.or_fail(format!("invalid value {text:?} for flag -{flag}"))?.0)
}
