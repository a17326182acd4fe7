use crate::clock::Timestamp;
use crate::gossip::{Known, MemberState, Members};
use crate::model::{CheckId, CheckStatus, HealthCheck, Node, NodeName, RaftIndex};
use crate::state::{Command, Deregistration, Registration};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The check by which a node lives or not. The leader alone keeps it.
pub(super) const HEALTH: &str = "serfHealth";

/// What the catalog says of a node that was found by its members' list.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub node: Arc<Node>,
    /// Absent where nobody vouched for the node yet: it was registered by hand, or just now.
    pub health: Option<CheckStatus>,
}

/// What differs between the members and the catalog, as the commands that mend it.
///
/// `missing` says since when a node that somebody vouched for is no member any more.
pub(super) fn plan(
    members: &Members,
    rows: &BTreeMap<Arc<str>, Row>,
    missing: &BTreeMap<Arc<str>, Timestamp>,
    limits: &Limits,
    now: Timestamp,
) -> Vec<Command> {
    let known = members.iter().filter_map(|known| {
        let row = rows.get(&known.member.name.folded());
        of_member(known, row, limits, now)
    });
    let unknown = missing.iter().filter_map(|(name, since)| of_missing(rows.get(name)?, *since, limits, now));
    known.chain(unknown).collect()
}

/// How long failures are borne.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// After which a failed node is taken out of the catalog.
    pub reap: Duration,
    /// For which a leader waits for members that it does not know yet.
    pub grace: Duration,
}

fn of_member(known: &Known, row: Option<&Row>, limits: &Limits, now: Timestamp) -> Option<Command> {
    match known.state {
        MemberState::Alive | MemberState::Suspect => vouch(known, row),
        // It says itself what becomes of it.
        MemberState::Leaving => None,
        MemberState::Failed if age(known.since, now) >= limits.reap => row.map(|row| reap(&row.node.name)),
        MemberState::Failed => give_up(row?),
        MemberState::Left => row.map(|row| reap(&row.node.name)),
    }
}

/// What the node says of itself stays; of one that has said nothing yet, the member's list says where it is.
fn vouch(known: &Known, row: Option<&Row>) -> Option<Command> {
    let same_id = |row: &Row| row.node.id.is_none_or(|id| id == known.member.id);
    match row {
        Some(row) if same_id(row) && row.health == Some(CheckStatus::Passing) => None,
        Some(row) if same_id(row) => Some(health(&row.node, CheckStatus::Passing)),
        _ => Some(health(&node(known), CheckStatus::Passing)),
    }
}

fn give_up(row: &Row) -> Option<Command> {
    (row.health != Some(CheckStatus::Critical)).then(|| health(&row.node, CheckStatus::Critical))
}

/// A node that was a member and that nobody knows any more: it failed long ago, or the list is not whole yet.
fn of_missing(row: &Row, since: Timestamp, limits: &Limits, now: Timestamp) -> Option<Command> {
    match age(since, now) {
        age if age >= limits.reap => Some(reap(&row.node.name)),
        age if age >= limits.grace => give_up(row),
        _ => None,
    }
}

fn age(since: Timestamp, now: Timestamp) -> Duration {
    Duration::from_millis(now.millis().saturating_sub(since.millis()))
}

fn reap(node: &NodeName) -> Command {
    Command::Deregister(Deregistration { node: node.clone(), service: None, check: None })
}

fn node(known: &Known) -> Node {
    Node {
        id: Some(known.member.id),
        name: known.member.name.clone(),
        address: known.member.address.to_string(),
        datacenter: known.member.datacenter.clone(),
        tagged_addresses: BTreeMap::new(),
        meta: BTreeMap::new(),
        index: RaftIndex::default(),
    }
}

fn health(node: &Node, status: CheckStatus) -> Command {
    let output = match status {
        CheckStatus::Passing => "Agent alive and reachable",
        _ => "Agent not live or unreachable",
    };
    let check = HealthCheck {
        node: node.name.clone(),
        id: CheckId::new(HEALTH).expect("a constant that is a valid id"),
        name: "Serf Health Status".to_owned(),
        status,
        notes: String::new(),
        output: output.to_owned(),
        service_id: None,
        service_name: None,
        service_tags: Vec::new(),
        kind: String::new(),
        definition: Default::default(),
        index: RaftIndex::default(),
    };
    Command::Register(Box::new(Registration {
        node: Node { index: RaftIndex::default(), ..node.clone() },
        // What the node itself wrote meanwhile stays.
        skip_node_update: true,
        services: Vec::new(),
        checks: vec![check],
    }))
}
