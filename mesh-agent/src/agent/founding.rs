use crate::peer::{Introduction, ServerStatus};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What a server without a cluster does about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is for somebody else, or too early.
    Wait,
    /// Whoever is at this address expects another number: none of them may begin before they agree.
    Disagree(String),
    /// These found a cluster, and this one begins.
    Found(BTreeMap<u64, SocketAddr>),
}

/// `others` are all servers that gossip shows alive, each as it has answered just now. Where any of them belongs
/// to a cluster, this one waits to be taken in. Exactly one of those that found a new one begins, the one with the
/// smallest id, and only when all of them see the same servers: else two could begin with different ones.
pub(super) fn decide(own: &ServerStatus, others: &[Introduction]) -> Decision {
    if !own.is_new || own.expects < 2 || others.iter().any(|other| !other.own.is_new) {
        return Decision::Wait;
    }
    let disagrees = |server: &&ServerStatus| server.expects != 0 && server.expects != own.expects;
    if let Some(other) = others.iter().map(|other| &other.own).find(disagrees) {
        return Decision::Disagree(other.address.clone());
    }
    let members = members(own, others);
    let is_due = members.len() >= own.expects as usize
        && members.keys().next() == Some(&own.id)
        && others.iter().filter(|other| members.contains_key(&other.own.id)).all(|o| o.sees == members);
    if is_due { Decision::Found(members) } else { Decision::Wait }
}

/// All that expect as many as this one does.
fn members(own: &ServerStatus, others: &[Introduction]) -> BTreeMap<u64, SocketAddr> {
    let alike = others.iter().map(|other| &other.own).chain([own]);
    let alike = alike.filter(|server| server.expects == own.expects);
    alike.filter_map(|server| Some((server.id, server.address.parse().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(id: u64, is_new: bool, expects: u32) -> ServerStatus {
        let cluster = if is_new { vec![] } else { vec![id] };
        ServerStatus { id, address: format!("10.0.0.{id}:8300"), is_new, expects, leader: None, cluster }
    }

    /// All of these as each of them would introduce itself, the first one apart.
    fn all_see_each_other(servers: &[ServerStatus]) -> Vec<Introduction> {
        let sees = |own: &ServerStatus| {
            let alike = servers.iter().filter(|other| other.expects == own.expects);
            alike.map(|other| (other.id, other.address.parse().unwrap())).collect()
        };
        servers[1..].iter().map(|own| Introduction { own: own.clone(), sees: sees(own) }).collect()
    }

    #[test]
    fn exactly_the_smallest_founds_and_only_when_all_that_are_expected_have_no_cluster() {
        let new = |id| server(id, true, 3);
        let table = [
            ("all are there", vec![new(1), new(2), new(3)], true),
            ("another is smaller", vec![new(2), new(1), new(3)], false),
            ("one is missing", vec![new(1), new(2)], false),
            ("one has a cluster", vec![new(1), new(2), new(3), server(4, false, 3)], false),
            ("one expects another number", vec![new(1), new(2), new(3), server(4, true, 5)], false),
            ("one waits to be taken in", vec![new(1), new(2), new(3), server(4, true, 0)], true),
            ("it has a cluster itself", vec![server(1, false, 3), new(2), new(3)], false),
            ("it is to be taken in", vec![server(1, true, 0), new(2), new(3)], false),
            ("more than expected are there", vec![new(1), new(2), new(3), new(4)], true),
        ];
        for (what, servers, founds) in table {
            let decision = decide(&servers[0], &all_see_each_other(&servers));
            assert_eq!(matches!(decision, Decision::Found(_)), founds, "{what}");
        }
    }

    #[test]
    fn who_founds_names_all_of_them_and_waits_while_one_sees_others() {
        let new = |id| server(id, true, 3);
        let mut others = all_see_each_other(&[new(1), new(2), new(3)]);
        let Decision::Found(members) = decide(&new(1), &others) else { panic!("it waits") };
        assert_eq!(members[&3].to_string(), "10.0.0.3:8300");
        others[0].sees.insert(9, "10.0.0.9:8300".parse().unwrap());
        assert_eq!(decide(&new(1), &others), Decision::Wait, "one sees somebody else");
    }

    #[test]
    fn two_that_expect_another_number_are_told_apart() {
        let servers = [server(1, true, 3), server(2, true, 5)];
        let decision = decide(&servers[0], &all_see_each_other(&servers));
        assert_eq!(decision, Decision::Disagree("10.0.0.2:8300".to_owned()));
    }
}
