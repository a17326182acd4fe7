//! `keygen` and `keyring`.

use super::call::Call;
use super::client::KeyringPool;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use crate::gossip::GossipKey;
use std::fmt::Write as _;

pub(super) const KEYGEN: Command = Command {
    path: "keygen",
    synopsis: "Makes a secret for agents to share",
    arguments: "",
    about: "Makes a new secret of 32 random bytes, in base64: for `encrypt`, which all agents of a cluster share, or \
            for `keyring -install`.",
    flags: &[],
    api: Api::None,
    misuse: 1,
    action: Action::Run(|call| Box::pin(keygen(call))),
};

pub(super) const KEYRING: Command = Command {
    path: "keyring",
    synopsis: "Lists and changes the keys that members seal their datagrams with",
    arguments: "",
    about: "Lists and changes the keys that members seal their datagrams with: the members of all datacenters, and \
            the servers among each other (WAN). To rotate: install a new key, use it, remove the old one; each step \
            returns when all members have taken it, and may be repeated where some did not.",
    flags: &[
        Flag::value("install", "key", "Every member takes this key, and does not seal with it yet."),
        Flag::switch("list", "The keys, and how many members have each."),
        Flag::switch("list-primary", "The keys that members seal with, and how many do with each."),
        Flag::switch("local-only", "With -list: of the members of this datacenter alone."),
        Flag::value("relay-factor", "count", "Taken for Consul's sake: members answer directly."),
        Flag::value("remove", "key", "Every member forgets this key, with which none may seal."),
        Flag::value("use", "key", "Every member seals with this key, which all must have."),
    ],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(keyring(call))),
};

async fn keygen(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    Ok(GossipKey::generate().to_text())
}

/// What is asked, of which exactly one thing may be.
enum Asked<'a> {
    List,
    ListPrimary,
    Install(&'a str),
    Use(&'a str),
    Remove(&'a str),
}

fn asked(call: &Call) -> Result<Asked<'_>, Failure> {
    let flags = &call.matches;
    let all = [
        flags.is_on("list").then_some(Asked::List),
        flags.is_on("list-primary").then_some(Asked::ListPrimary),
        flags.value("install").map(Asked::Install),
        flags.value("use").map(Asked::Use),
        flags.value("remove").map(Asked::Remove),
    ];
    let mut given = all.into_iter().flatten();
    let one = "Exactly one of -list, -list-primary, -install, -use or -remove must be given";
    match (given.next(), given.next()) {
        (Some(asked), None) => Ok(asked),
        _ => Err(Failure::new(one)),
    }
}

async fn keyring(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let asked = asked(call)?;
    let local = call.matches.is_on("local-only");
    if local && !matches!(asked, Asked::List | Asked::ListPrimary) {
        return Err(Failure::new("Error parsing arguments: -local-only can only be set for list requests."));
    }
    let client = call.client()?;
    match asked {
        Asked::List => listed(&client.keyring(local).await.or_fail("error")?, |pool| &pool.keys),
        Asked::ListPrimary => {
            listed(&client.keyring(local).await.or_fail("error")?, |pool| &pool.primary_keys)
        }
        Asked::Install(key) => {
            client.install_key(key).await.or_fail("error")?;
            Ok("==> Installing new gossip encryption key...".to_owned())
        }
        Asked::Use(key) => {
            client.use_key(key).await.or_fail("error")?;
            Ok("==> Changing primary gossip encryption key...".to_owned())
        }
        Asked::Remove(key) => {
            client.remove_key(key).await.or_fail("error")?;
            Ok("==> Removing gossip encryption key...".to_owned())
        }
    }
}

fn listed(
    pools: &[KeyringPool],
    keys: impl Fn(&KeyringPool) -> &std::collections::BTreeMap<String, u64>,
) -> Result<String, Failure> {
    let mut text = "==> Gathering installed encryption keys...\n".to_owned();
    // Writing to a String cannot fail.
    for pool in pools {
        let name = if pool.wan { "WAN".to_owned() } else { format!("{} (LAN)", pool.datacenter) };
        let _ = writeln!(text, "\n{name}:");
        for (key, count) in keys(pool) {
            let _ = writeln!(text, "  {key} [{count}/{}]", pool.num_nodes);
        }
    }
    let messages = pools.iter().flat_map(|pool| &pool.messages);
    let messages: Vec<String> = messages.map(|(name, message)| format!("{name}: {message}")).collect();
    match messages.is_empty() {
        true => Ok(text),
        false => Err(Failure { output: text, message: messages.join("\n"), status: 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_listed_as_consul_lists_them() {
        let pool = KeyringPool {
            datacenter: "dc1".to_owned(),
            keys: [("a=".to_owned(), 2), ("b=".to_owned(), 3)].into(),
            num_nodes: 3,
            ..KeyringPool::default()
        };
        let expected = "==> Gathering installed encryption keys...\n\ndc1 (LAN):\n  a= [2/3]\n  b= [3/3]\n";
        assert_eq!(listed(std::slice::from_ref(&pool), |pool| &pool.keys).unwrap(), expected);
        let silent = KeyringPool { messages: [("n".to_owned(), "no answer".to_owned())].into(), ..pool };
        let failure = listed(&[silent], |pool| &pool.keys).unwrap_err();
        assert_eq!((failure.output.as_str(), failure.message.as_str()), (expected, "n: no answer"));
    }
}
