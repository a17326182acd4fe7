//! `kv get|put|delete|import|export`.

mod delete;
mod get;
mod put;
mod transfer;

pub(super) use delete::DELETE;
pub(super) use get::GET;
pub(super) use put::PUT;
pub(super) use transfer::{EXPORT, IMPORT};

use super::call::Call;
use super::command::Command;
use super::failure::Failure;

pub(super) const GROUP: Command = Command::group(
    "kv",
    "Reads and writes stored values",
    "Reads and writes the values that the servers store under keys. Keys may have slashes, which part them into \
     trees:\n\n      $ mesh kv put web/port 8080\n      $ mesh kv get -recurse web/",
);

/// The key, without the slash that people put before it. An empty one stands for all keys.
fn key(call: &Call) -> Result<&str, Failure> {
    match call.matches.positional.as_slice() {
        [] => Ok(""),
        [key] => Ok(key.strip_prefix('/').unwrap_or(key)),
        more => Err(Failure::new(format!("Too many arguments (expected 1, got {})", more.len()))),
    }
}

/// The same where a key must be given.
fn one_key(call: &Call) -> Result<&str, Failure> {
    match key(call)? {
        "" => Err(Failure::new("Error! Missing KEY argument")),
        key => Ok(key),
    }
}

/// The value of a flag that is a number; `default` where it is absent.
fn number(call: &Call, flag: &str, default: u64) -> Result<u64, Failure> {
    let Some(text) = call.matches.value(flag) else { return Ok(default) };
    let invalid = |_| Failure::new(format!("invalid value {text:?} for flag -{flag}: want a number"));
    text.parse().map_err(invalid)
}

/// Bytes as they are, then an end of line: values need not be text.
fn print(bytes: &[u8]) -> Result<String, Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write the value: {error}")))
        }
        _ => Ok(String::new()),
    }
}
