use crate::cli::call::Call;
use crate::cli::failure::{Failure, OrFail};
use crate::wire::GoDuration;
use std::time::Duration;

/// What is to be run, and under which lock.
pub(super) struct Settings {
    /// Without slashes at its ends.
    pub(super) prefix: String,
    pub(super) program: Vec<String>,
    pub(super) limit: u64,
    pub(super) name: String,
    pub(super) shell: bool,
    pub(super) pass_stdin: bool,
    pub(super) child_exit_code: bool,
    pub(super) retries: u32,
    /// How long to wait for the lock; none, for ever.
    pub(super) patience: Option<Duration>,
    verbose: bool,
}

impl Settings {
    pub(super) fn of(call: &Call) -> Result<Self, Failure> {
        let flags = &call.matches;
        let [prefix, program @ ..] = flags.positional.as_slice() else {
            return Err(Failure::new("Key prefix and child command must be specified"));
        };
        if program.is_empty() {
            return Err(Failure::new("Key prefix and child command must be specified"));
        }
        let prefix = prefix.trim_matches('/').to_owned();
        let name = format!("Consul lock for '{}' at '{prefix}'", program.join(" "));
        Ok(Self {
            program: program.to_vec(),
            limit: number(call, "n", 1)?.max(1),
            name: flags.value("name").map_or(name, str::to_owned),
            shell: flags.through_shell(),
            pass_stdin: flags.is_on("pass-stdin"),
            child_exit_code: flags.is_on("child-exit-code"),
            retries: u32::try_from(number(call, "monitor-retry", 3)?).unwrap_or(u32::MAX),
            patience: patience(call)?,
            verbose: flags.is_on("verbose"),
            prefix,
        })
    }

    /// A path below the prefix.
    pub(super) fn below(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    pub(super) fn say(&self, what: &str) {
        if self.verbose {
            println!("{what}");
        }
    }
}

fn number(call: &Call, flag: &str, default: u64) -> Result<u64, Failure> {
    let Some(text) = call.matches.value(flag) else { return Ok(default) };
    text.parse().or_fail(format!("invalid value {text:?} for flag -{flag}"))
}

fn patience(call: &Call) -> Result<Option<Duration>, Failure> {
    let Some(text) = call.matches.value("timeout").or_else(|| call.matches.value("try")) else {
        return Ok(None);
    };
    let parsed: Result<GoDuration, _> = text.parse();
    match parsed.or_fail("Error parsing try timeout")?.0 {
        Duration::ZERO => Ok(None),
        patience => Ok(Some(patience)),
    }
}
