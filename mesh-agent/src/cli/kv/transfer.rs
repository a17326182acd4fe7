use super::key;
use super::put::read;
use crate::cli::call::Call;
use crate::cli::client::{KvPair, Query};
use crate::cli::command::{Action, Api, Command};
use crate::cli::failure::{Failure, OrFail};
use crate::cli::flags::Flag;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::ser::{PrettyFormatter, Serializer};

pub(crate) const EXPORT: Command = Command {
    path: "kv export",
    synopsis: "Writes a tree of stored values as JSON",
    arguments: "[PREFIX]",
    about: "Writes all values below a prefix as JSON, which \"kv import\" reads again.",
    flags: &[],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(export(call))),
};

pub(crate) const IMPORT: Command = Command {
    path: "kv import",
    synopsis: "Stores what \"kv export\" has written",
    arguments: "[DATA]",
    about: "Stores the values that \"kv export\" has written. DATA is the JSON itself, @FILE for what is in a \
            file, or - for what is on standard input.",
    flags: &[Flag::value("prefix", "text", "Put this before every key.")],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(import(call))),
};

/// A value in a file.
#[derive(Serialize, Deserialize)]
struct Exported {
    key: String,
    flags: u64,
    /// Base64.
    value: String,
}

impl From<&KvPair> for Exported {
    fn from(pair: &KvPair) -> Self {
        Self { key: pair.key.clone(), flags: pair.flags, value: STANDARD.encode(&pair.value) }
    }
}

async fn export(call: &Call) -> Result<String, Failure> {
    let found =
        call.client()?.kv_list(key(call)?, call.query()).await.or_fail("Error querying Consul agent")?;
    let exported: Vec<_> = found.value.iter().map(Exported::from).collect();
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b"\t"));
    exported.serialize(&mut serializer).or_fail("Error exporting KV data")?;
    String::from_utf8(bytes).or_fail("Error exporting KV data")
}

async fn import(call: &Call) -> Result<String, Failure> {
    let data = match call.matches.positional.as_slice() {
        [] => return Err(Failure::new("Error! Missing DATA argument")),
        [data] => read(data)?,
        more => return Err(Failure::new(format!("Too many arguments (expected 1, got {})", more.len()))),
    };
    let entries: Vec<Exported> = serde_json::from_slice(&data)
        .or_fail("Error! Cannot unmarshal data: want what \"kv export\" writes")?;
    let (client, prefix) = (call.client()?, call.matches.value("prefix").unwrap_or_default());
    for entry in entries {
        let key = format!("{prefix}{}", entry.key);
        let value = STANDARD.decode(&entry.value);
        let value = value.or_fail(format!("Error! Cannot base 64 decode the value of {key}"))?;
        let query: Query = call.query().with("flags", entry.flags.to_string());
        let stored = client.kv_put(&key, &query, value.into()).await;
        stored.or_fail(format!("Error! Failed writing data for {key}"))?;
        println!("Imported: {key}");
    }
    Ok(String::new())
}
