use super::ExecError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::time::Duration;

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub task: Task,
    /// Where there is no output for so long, this node says that it is at it still.
    pub wait: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// A line for a shell.
    Line(String),
    /// A program and its arguments.
    Words(Vec<String>),
    /// A file to be made and run.
    Script(Vec<u8>),
}

/// As Consul writes it: bytes in base64, times in nanoseconds.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Written {
    command: Option<String>,
    args: Option<Vec<String>>,
    script: Option<String>,
    wait: i64,
}

const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);

impl Job {
    /// # Errors
    /// The reason, for people: it is not JSON of this form, or nothing is to be run.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let written: Written = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let script =
            STANDARD.decode(written.script.unwrap_or_default()).map_err(|error| error.to_string())?;
        let (line, words) = (written.command.unwrap_or_default(), written.args.unwrap_or_default());
        let task = match (script.is_empty(), line.is_empty(), words.is_empty()) {
            (false, ..) => Task::Script(script),
            (_, _, false) => Task::Words(words),
            (_, false, _) => Task::Line(line),
            _ => return Err("it names nothing to run".to_owned()),
        };
        let wait = Duration::from_nanos(u64::try_from(written.wait).unwrap_or(0));
        Ok(Self { task, wait: wait.clamp(SHORTEST, LONGEST) })
    }

    /// # Errors
    /// As [`Job::parse`].
    pub fn read(key: &str, text: &[u8]) -> Result<Self, ExecError> {
        Self::parse(text).map_err(|reason| ExecError::Job { key: key.to_owned(), reason })
    }
}

impl Task {
    /// For people.
    pub fn shown(&self) -> String {
        match self {
            Self::Line(line) => line.chars().take(200).collect(),
            Self::Words(words) => words.join(" ").chars().take(200).collect(),
            Self::Script(script) => format!("a script of {} bytes", script.len()),
        }
    }
}
