use crate::peer::{Introduction, ServerStatus};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What a server without a cluster does about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is for somebody else, or too early.
    Wait,
    /// These found a cluster, and this one begins.
    Found(BTreeMap<u64, SocketAddr>),
}

/// `others` have answered just now. Where any of them belongs to a cluster, this one waits to be taken in.
/// Exactly one of those that found a new one begins, the one with the smallest id, and only when all of them know
/// the same servers: else two could begin with different ones.
pub(super) fn decide(own: &ServerStatus, others: &[Introduction]) -> Decision {
    let all_are_new = own.is_new && others.iter().all(|other| other.own.is_new);
    let members = members(own, others.iter().map(|other| &other.own));
    let is_due = all_are_new
        && own.expects >= 2
        && members.len() >= own.expects as usize
        && members.keys().next() == Some(&own.id)
        && others.iter().all(|other| self::members(&other.own, &other.others) == members);
    if is_due { Decision::Found(members) } else { Decision::Wait }
}

/// All that expect as many as this one does.
fn members<'s>(
    own: &'s ServerStatus,
    others: impl IntoIterator<Item = &'s ServerStatus>,
) -> BTreeMap<u64, SocketAddr> {
    let alike = others.into_iter().chain([own]).filter(|server| server.expects == own.expects);
    alike.filter_map(|server| Some((server.id, server.address.parse().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(id: u64, is_new: bool, expects: u32) -> ServerStatus {
        ServerStatus { id, address: format!("10.0.0.{id}:8300"), is_new, expects, leader: None }
    }

    /// All of these as each of them would introduce itself, the first one apart.
    fn all_know_each_other(servers: &[ServerStatus]) -> Vec<Introduction> {
        let others = |own: &ServerStatus| servers.iter().filter(|s| s.id != own.id).cloned().collect();
        servers[1..].iter().map(|own| Introduction { own: own.clone(), others: others(own) }).collect()
    }

    #[test]
    fn exactly_the_smallest_founds_and_only_when_all_that_are_expected_have_no_cluster() {
        let new = |id| server(id, true, 3);
        let table = [
            ("all are there", vec![new(1), new(2), new(3)], true),
            ("another is smaller", vec![new(2), new(1), new(3)], false),
            ("one is missing", vec![new(1), new(2)], false),
            ("one has a cluster", vec![new(1), new(2), new(3), server(4, false, 3)], false),
            ("one expects another number", vec![new(1), new(2), server(3, true, 5)], false),
            ("it has a cluster itself", vec![server(1, false, 3), new(2), new(3)], false),
            ("it is to be taken in", vec![server(1, true, 0), new(2), new(3)], false),
            ("more than expected are there", vec![new(1), new(2), new(3), new(4)], true),
        ];
        for (what, servers, founds) in table {
            let decision = decide(&servers[0], &all_know_each_other(&servers));
            assert_eq!(decision != Decision::Wait, founds, "{what}");
        }
        let servers = [new(1), new(2), new(3)];
        let mut others = all_know_each_other(&servers);
        let Decision::Found(members) = decide(&new(1), &others) else { panic!("it waits") };
        assert_eq!(members[&3].to_string(), "10.0.0.3:8300");
        others[0].others.push(new(9));
        assert_eq!(decide(&new(1), &others), Decision::Wait, "one knows somebody else");
    }
}
