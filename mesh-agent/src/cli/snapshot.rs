//! `snapshot`.

use super::call::Call;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use crate::snapshot::{Archive, Meta};
use crate::whole_file;
use std::fs;
use std::io;
use std::path::Path;

pub(super) const GROUP: Command = Command::group(
    "snapshot",
    "Saves, restores and inspects the state of the servers",
    "A snapshot is all that the servers keep: catalog, keys and values, intentions, and the CA with its private \
     key. Keep it as you keep a key.",
);

pub(super) const SAVE: Command = Command {
    path: "snapshot save",
    synopsis: "Saves the state of the servers to a file",
    arguments: "FILE",
    about: "Saves the state of the servers to a file, which appears only once it is whole and has been checked. \
            Ask a server. With -stale, any server's state will do, also without a leader.",
    flags: &[],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(save(call))),
};

pub(super) const RESTORE: Command = Command {
    path: "snapshot restore",
    synopsis: "Replaces the state of the servers by that of a file",
    arguments: "FILE",
    about: "Replaces the state of the servers by that of a file. What was written since the file was made is gone; \
            a damaged file is refused and changes nothing.",
    flags: &[],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(restore(call))),
};

pub(super) const INSPECT: Command = Command {
    path: "snapshot inspect",
    synopsis: "Shows what a file is a snapshot of",
    arguments: "FILE",
    about: "Checks a file and shows what it is a snapshot of. It asks no agent.",
    flags: &[],
    api: Api::None,
    misuse: 1,
    action: Action::Run(|call| Box::pin(inspect(call))),
};

async fn save(call: &Call) -> Result<String, Failure> {
    let path = file(call)?;
    let query = call.query();
    let archive = call.client()?.snapshot(&query).await.or_fail("Error saving snapshot")?;
    let found = Archive::open(&archive).or_fail("Error verifying snapshot")?;
    whole_file::keep(path, &archive).map_err(|error| failed("writing", path, &error))?;
    Ok(format!("Saved and verified snapshot to index {}", found.meta.index))
}

async fn restore(call: &Call) -> Result<String, Failure> {
    let path = file(call)?;
    let archive = fs::read(path).map_err(|error| failed("reading", path, &error))?;
    Archive::open(&archive).or_fail("Error restoring snapshot")?;
    call.client()?.restore(archive.into()).await.or_fail("Error restoring snapshot")?;
    Ok("Restored snapshot".to_owned())
}

async fn inspect(call: &Call) -> Result<String, Failure> {
    let path = file(call)?;
    let archive = fs::read(path).map_err(|error| failed("reading", path, &error))?;
    Ok(shown(&Archive::open(&archive).or_fail("Error verifying snapshot")?.meta))
}

fn file(call: &Call) -> Result<&Path, Failure> {
    match &call.matches.positional[..] {
        [path] => Ok(Path::new(path)),
        [] => Err(Failure::new("Missing FILE argument")),
        more => Err(Failure::new(format!("Too many arguments (expected 1, got {})", more.len()))),
    }
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("Error {doing} {}: {error}", path.display()))
}

fn shown(meta: &Meta) -> String {
    let Meta { id, size, index, version, .. } = meta;
    format!("ID           {id}\nSize         {size}\nIndex        {index}\nVersion      {version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_names_the_index() {
        assert!(shown(&Meta::new(7, 9, 5)).contains("Index        7\n"));
    }
}
