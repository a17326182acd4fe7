use super::number;
use crate::cli::call::Call;
use crate::cli::client::Query;
use crate::cli::command::{Action, Api, Command};
use crate::cli::failure::{Failure, OrFail};
use crate::cli::flags::Flag;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Read;

pub(crate) const PUT: Command = Command {
    path: "kv put",
    synopsis: "Stores a value",
    arguments: "KEY [DATA]",
    about: "Stores a value under a key. DATA is the value itself, @FILE for what is in a file, or - for what is on \
            standard input; without it the value is empty.\n\n\
            With -cas it is stored only if the key is still as it was at -modify-index, with 0 only if it does \
            not exist. With -acquire it is stored only if the session gets the lock of the key.",
    flags: &[
        Flag::switch("acquire", "Take the lock of the key for -session."),
        Flag::switch("base64", "DATA is base64."),
        Flag::switch("cas", "Store only if the key is as it was at -modify-index."),
        Flag::value("flags", "number", "A number that is kept with the value and means what you like."),
        Flag::value("modify-index", "index", "What -cas compares with. Default: 0."),
        Flag::switch("release", "Give the lock of the key back from -session."),
        Flag::value("session", "id", "Whose lock it is."),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(put(call))),
};

/// What must hold for the value to be stored, and how each outcome is told.
struct Condition {
    query: Query,
    success: &'static str,
    failure: String,
}

async fn put(call: &Call) -> Result<String, Failure> {
    let (key, data) = arguments(call)?;
    let condition = condition(call, key)?;
    let query = condition.query.with("flags", number(call, "flags", 0)?.to_string());
    let stored = call.client()?.kv_put(key, &query, data.into()).await;
    if stored.or_fail("Error! Failed writing data")? {
        Ok(format!("Success! {}: {key}", condition.success))
    } else {
        Err(Failure::new(condition.failure))
    }
}

fn condition(call: &Call, key: &str) -> Result<Condition, Failure> {
    let (flags, query) = (&call.matches, call.query());
    let session = flags.value("session").unwrap_or_default();
    if flags.is_on("cas") {
        let index = number(call, "modify-index", 0)?;
        let why = if index == 0 { " performed with index=0 and key already exists." } else { " failed" };
        let failure = format!("Error! Did not write to {key}: CAS{why}");
        return Ok(Condition {
            query: query.with("cas", index.to_string()),
            success: "Data written to",
            failure,
        });
    }
    if flags.is_on("acquire") {
        let query = query.with("acquire", held_by(session)?);
        let failure = "Error! Did not acquire lock".to_owned();
        return Ok(Condition { query, success: "Lock acquired on", failure });
    }
    if flags.is_on("release") {
        let query = query.with("release", held_by(session)?);
        let failure = "Error! Did not release lock".to_owned();
        return Ok(Condition { query, success: "Lock released on", failure });
    }
    let failure = format!("Error! Did not write to {key}");
    Ok(Condition { query, success: "Data written to", failure })
}

fn held_by(session: &str) -> Result<&str, Failure> {
    match session {
        "" => Err(Failure::new("Error! Missing -session (required with -acquire and -release)")),
        session => Ok(session),
    }
}

fn arguments(call: &Call) -> Result<(&str, Vec<u8>), Failure> {
    let (key, data) = match call.matches.positional.as_slice() {
        [] => return Err(Failure::new("Error! Missing KEY argument")),
        [key] => (key, ""),
        [key, data] => (key, data.as_str()),
        more => {
            return Err(Failure::new(format!(
                "Error! Too many arguments (expected 1 or 2, got {})",
                more.len()
            )));
        }
    };
    let data = read(data)?;
    let decoded = if call.matches.is_on("base64") {
        STANDARD.decode(data.trim_ascii()).or_fail("Error! Cannot base 64 decode data")?
    } else {
        data
    };
    match key.strip_prefix('/').unwrap_or(key) {
        "" => Err(Failure::new("Error! Missing KEY argument")),
        key => Ok((key, decoded)),
    }
}

/// What `DATA` stands for.
pub(super) fn read(data: &str) -> Result<Vec<u8>, Failure> {
    if data == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).or_fail("Error! Failed to read stdin")?;
        return Ok(bytes);
    }
    match data.strip_prefix('@') {
        Some(path) => std::fs::read(path).or_fail(format!("Error! Failed to read file {path:?}")),
        None => Ok(data.as_bytes().to_vec()),
    }
}
