//! `members`.

use super::call::Call;
use super::client::Member;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use super::table::{row, table};

pub(super) const MEMBERS: Command = Command {
    path: "members",
    synopsis: "Lists the members of the cluster",
    arguments: "",
    about: "Lists the agents that this agent knows of, and whether they live.",
    flags: &[
        Flag::switch("detailed", "Show every tag instead of the usual columns."),
        Flag::value(
            "status",
            "statuses",
            "Only members with this status: alive, leaving, left or failed; several are joined by |.",
        ),
        Flag::value("segment", "name", "Taken for Consul's sake: there are no network segments."),
        Flag::switch("wan", "The members of the pool between datacenters."),
    ],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(members(call))),
};

/// The exit status when no member is left after filtering.
const NO_MEMBERS: u8 = 2;

async fn members(call: &Call) -> Result<String, Failure> {
    let wanted = call.matches.value("status").map(statuses).transpose()?;
    let found = call.client()?.members(call.matches.is_on("wan")).await;
    let mut found = found.or_fail("Error retrieving members")?;
    found.retain(|member| wanted.as_ref().is_none_or(|wanted| wanted.contains(&status(member))));
    if found.is_empty() {
        return Err(Failure::with_status(NO_MEMBERS, ""));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let show = if call.matches.is_on("detailed") { detailed } else { standard };
    Ok(table(&show(&found)))
}

fn statuses(text: &str) -> Result<Vec<&'static str>, Failure> {
    const KNOWN: [&str; 5] = ["none", "alive", "leaving", "left", "failed"];
    let inner = text.trim_start_matches('^').trim_end_matches('$').trim_matches(['(', ')']);
    if inner == ".*" {
        return Ok(KNOWN.to_vec());
    }
    let known = |word: &str| KNOWN.into_iter().find(|status| *status == word);
    let unknown = |word| format!("unknown status {word:?} in -status={text}: want {}", KNOWN[1..].join(", "));
    inner.split('|').map(|word| known(word).ok_or_else(|| Failure::new(unknown(word)))).collect()
}

fn status(member: &Member) -> &'static str {
    match member.status {
        1 => "alive",
        2 => "leaving",
        3 => "left",
        4 => "failed",
        _ => "none",
    }
}

fn address(member: &Member) -> String {
    if member.addr.contains(':') {
        format!("[{}]:{}", member.addr, member.port)
    } else {
        format!("{}:{}", member.addr, member.port)
    }
}

fn standard(members: &[Member]) -> Vec<Vec<String>> {
    let head = row(["Node", "Address", "Status", "Type", "Build", "Protocol", "DC", "Segment"]);
    std::iter::once(head).chain(members.iter().map(standard_row)).collect()
}

fn standard_row(member: &Member) -> Vec<String> {
    let tag = |name: &str| member.tags.get(name).map_or("", String::as_str);
    let (kind, segment) = match tag("role") {
        "consul" => ("server", "<all>"),
        "node" => ("client", "<default>"),
        _ => ("unknown", ""),
    };
    let build = tag("build").split(':').next().unwrap_or_default();
    row([&member.name, &address(member), status(member), kind, build, tag("vsn"), tag("dc"), segment])
}

fn detailed(members: &[Member]) -> Vec<Vec<String>> {
    let head = row(["Node", "Address", "Status", "Tags"]);
    std::iter::once(head).chain(members.iter().map(detailed_row)).collect()
}

fn detailed_row(member: &Member) -> Vec<String> {
    let server = member.tags.get("role").is_some_and(|role| role == "consul");
    let shown = |(key, value): (&String, &String)| match key.as_str() {
        "segment" if server => "segment=<all>".to_owned(),
        _ => format!("{key}={value}"),
    };
    let tags: Vec<String> = member.tags.iter().map(shown).collect();
    row([&member.name, &address(member), status(member), &tags.join(",")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> Member {
        let tags = [("role", "consul"), ("build", "1.8.7:abc"), ("vsn", "2"), ("dc", "dc1")];
        Member {
            name: "vm".to_owned(),
            addr: "127.0.0.1".to_owned(),
            port: 8301,
            tags: tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            status: 1,
            protocol_cur: 2,
        }
    }

    #[test]
    fn the_usual_columns_are_consuls() {
        let lines = table(&standard(&[member()]));
        let expected = "Node  Address         Status  Type    Build  Protocol  DC   Segment\n\
                        vm    127.0.0.1:8301  alive   server  1.8.7  2         dc1  <all>";
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_server_is_in_all_segments() {
        let mut server = member();
        server.tags.insert("segment".to_owned(), String::new());
        assert!(detailed_row(&server)[3].contains("role=consul,segment=<all>,vsn=2"));
    }

    #[test]
    fn a_status_filter_is_a_status_or_several() {
        assert_eq!(statuses("alive").unwrap(), ["alive"]);
        assert_eq!(statuses("^(alive|failed)$").unwrap(), ["alive", "failed"]);
        assert_eq!(statuses(".*").unwrap().len(), 5);
        assert!(statuses("alife").unwrap_err().message.contains("alife"));
    }
}
