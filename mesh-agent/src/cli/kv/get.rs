use super::{key, print};
use crate::cli::call::Call;
use crate::cli::client::KvPair;
use crate::cli::command::{Action, Api, Command};
use crate::cli::failure::{Failure, OrFail};
use crate::cli::flags::Flag;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) const GET: Command = Command {
    path: "kv get",
    synopsis: "Shows stored values",
    arguments: "[KEY_OR_PREFIX]",
    about: "Shows the value of a key; with -recurse the values of all keys below a prefix, with -keys their names \
            only.",
    flags: &[
        Flag::switch("base64", "Show values in base64."),
        Flag::switch("detailed", "Show flags, lock, session and indexes too."),
        Flag::switch("keys", "Show the names of keys only."),
        Flag::switch("recurse", "Show all keys that begin like this one."),
        Flag::value(
            "separator",
            "text",
            "With -keys: show names up to where this comes next. Default: \"/\".",
        ),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(get(call))),
};

async fn get(call: &Call) -> Result<String, Failure> {
    let (key, flags) = (key(call)?, &call.matches);
    if flags.is_on("keys") {
        names(call, key).await
    } else if flags.is_on("recurse") {
        tree(call, key).await
    } else {
        one(call, key).await
    }
}

async fn names(call: &Call, prefix: &str) -> Result<String, Failure> {
    let separator = call.matches.value("separator").unwrap_or("/");
    let names = call.client()?.kv_keys(prefix, separator, call.query()).await;
    Ok(names.or_fail("Error querying Consul agent")?.join("\n"))
}

async fn tree(call: &Call, prefix: &str) -> Result<String, Failure> {
    let found = call.client()?.kv_list(prefix, call.query()).await.or_fail("Error querying Consul agent")?;
    let (detailed, base64) = (call.matches.is_on("detailed"), call.matches.is_on("base64"));
    let shown = found.value.iter().map(|pair| match detailed {
        true => details(pair, base64),
        false => [pair.key.as_bytes(), b":", &value(pair, base64)].concat(),
    });
    let shown: Vec<_> = shown.collect();
    if shown.is_empty() { Ok(String::new()) } else { print(&shown.join(between(detailed))) }
}

fn between(detailed: bool) -> &'static [u8] {
    if detailed { b"\n\n" } else { b"\n" }
}

async fn one(call: &Call, key: &str) -> Result<String, Failure> {
    if key.is_empty() {
        return Err(Failure::new("Error! Missing KEY argument"));
    }
    let found = call.client()?.kv_get(key, &call.query()).await.or_fail("Error querying Consul agent")?;
    let pair = found.value.ok_or_else(|| Failure::new(format!("Error! No key exists at: {key}")))?;
    let base64 = call.matches.is_on("base64");
    print(&if call.matches.is_on("detailed") { details(&pair, base64) } else { value(&pair, base64) })
}

fn value(pair: &KvPair, base64: bool) -> Vec<u8> {
    if base64 { STANDARD.encode(&pair.value).into_bytes() } else { pair.value.clone() }
}

/// Names and values in two columns, as scripts cut them.
fn details(pair: &KvPair, base64: bool) -> Vec<u8> {
    let session = if pair.session.is_empty() { "-" } else { &pair.session };
    let head = [
        ("CreateIndex", pair.create_index.to_string()),
        ("Flags", pair.flags.to_string()),
        ("Key", pair.key.clone()),
        ("LockIndex", pair.lock_index.to_string()),
        ("ModifyIndex", pair.modify_index.to_string()),
        ("Session", session.to_owned()),
    ];
    let mut shown: Vec<u8> =
        head.iter().flat_map(|(name, text)| format!("{name:<17}{text}\n").into_bytes()).collect();
    shown.extend_from_slice(format!("{:<17}", "Value").as_bytes());
    shown.extend(value(pair, base64));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_in_consuls_columns() {
        let pair = KvPair {
            key: "a".to_owned(),
            value: b"v".to_vec(),
            create_index: 5,
            modify_index: 7,
            ..KvPair::default()
        };
        let want = "CreateIndex      5\nFlags            0\nKey              a\nLockIndex        0\n\
                    ModifyIndex      7\nSession          -\nValue            dg==";
        assert_eq!(String::from_utf8(details(&pair, true)).unwrap(), want);
    }
}
