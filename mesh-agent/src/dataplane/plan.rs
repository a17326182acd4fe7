use super::desired::{Desired, StrictAt, Target};
use mesh_common::{Action, Pair, ServiceNumber};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// One change of the maps, which the kernel makes as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    SetDefault(Action),
    PutRule(Pair, Action),
    RemoveRule(Pair),
    PutDestination(SocketAddr, Target),
    RemoveDestination(SocketAddr),
    PutWorkload(u64, ServiceNumber),
    RemoveWorkload(u64),
    /// From now on a server takes only what comes through the mesh.
    PutStrict(StrictAt, ServiceNumber),
    RemoveStrict(StrictAt),
}

/// Changes in the order in which they are made.
pub type Plan = Vec<Step>;

/// What makes maps that say `shadow` say `desired`.
///
/// Programs decide between any two steps, and any step may be the last that succeeds. So denies are added
/// and allows removed before anything else changes, and allows are added and denies removed after all else:
/// at no point is anybody let through whom neither the old state nor the new one lets through. Where a cgroup
/// or an address changes hands, nothing is allowed for that moment.
pub fn plan(desired: &Desired, shadow: &Desired) -> Plan {
    let changes_hands = changes_hands(desired, shadow);
    let stays = |pair: &Pair| !changes_hands && desired.rules.get(pair) == Some(&Action::Allow);
    let mut plan = Plan::new();
    let closes = changes_hands || desired.default == Action::Deny;
    if closes && shadow.default == Action::Allow {
        plan.push(Step::SetDefault(Action::Deny));
    }
    let denies = desired.rules.iter().filter(|(pair, action)| is_new(*pair, *action, &shadow.rules));
    plan.extend(
        denies.filter(|(_, a)| **a == Action::Deny).map(|(pair, _)| Step::PutRule(*pair, Action::Deny)),
    );
    let allows = shadow.rules.iter().filter(|(_, action)| **action == Action::Allow).map(|(pair, _)| pair);
    let stale = allows.filter(|pair| !stays(pair) && desired.rules.get(pair) != Some(&Action::Deny));
    plan.extend(stale.map(|pair| Step::RemoveRule(*pair)));
    steer(desired, shadow, &mut plan);
    let kept = |pair: &Pair| stays(pair) && shadow.rules.get(pair) == Some(&Action::Allow);
    let allows = desired.rules.iter().filter(|(pair, action)| **action == Action::Allow && !kept(pair));
    plan.extend(allows.map(|(pair, _)| Step::PutRule(*pair, Action::Allow)));
    if desired.default == Action::Allow && (closes || shadow.default == Action::Deny) {
        plan.push(Step::SetDefault(Action::Allow));
    }
    let denies = shadow.rules.iter().filter(|(_, action)| **action == Action::Deny).map(|(pair, _)| pair);
    plan.extend(denies.filter(|pair| !desired.rules.contains_key(pair)).map(|pair| Step::RemoveRule(*pair)));
    plan
}

/// What is gone goes first; addresses lead somewhere before there is anybody to use them.
fn steer(desired: &Desired, shadow: &Desired, plan: &mut Plan) {
    let gone = shadow.workloads.keys().filter(|cgroup| !desired.workloads.contains_key(cgroup));
    plan.extend(gone.map(|cgroup| Step::RemoveWorkload(*cgroup)));
    let gone = shadow.destinations.keys().filter(|address| !desired.destinations.contains_key(address));
    plan.extend(gone.map(|address| Step::RemoveDestination(*address)));
    let new = desired.destinations.iter().filter(|(a, target)| is_new(*a, *target, &shadow.destinations));
    plan.extend(new.map(|(address, target)| Step::PutDestination(*address, *target)));
    let new = desired.workloads.iter().filter(|(id, number)| is_new(*id, *number, &shadow.workloads));
    plan.extend(new.map(|(cgroup, service)| Step::PutWorkload(*cgroup, *service)));
    // Who comes through the mesh is told apart by where he was sent, so addresses know of it first.
    let new = desired.strict.iter().filter(|(at, number)| is_new(*at, *number, &shadow.strict));
    plan.extend(new.map(|(at, service)| Step::PutStrict(*at, *service)));
    let gone = shadow.strict.keys().filter(|at| !desired.strict.contains_key(at));
    plan.extend(gone.map(|at| Step::RemoveStrict(*at)));
}

fn is_new<K: Ord, V: PartialEq>(key: &K, value: &V, shadow: &BTreeMap<K, V>) -> bool {
    shadow.get(key) != Some(value)
}

/// A cgroup or an address is another service's than before.
fn changes_hands(desired: &Desired, shadow: &Desired) -> bool {
    let other = |(cgroup, service)| shadow.workloads.get(cgroup).is_some_and(|before| before != service);
    let elsewhere = |(address, target): (_, &Target)| {
        shadow.destinations.get(address).is_some_and(|before| before.service != target.service)
    };
    desired.workloads.iter().any(other) || desired.destinations.iter().any(elsewhere)
}

impl Desired {
    /// What the maps say after a step.
    pub fn take(&mut self, step: &Step) {
        match *step {
            Step::SetDefault(action) => self.default = action,
            Step::PutRule(pair, action) => drop(self.rules.insert(pair, action)),
            Step::RemoveRule(pair) => drop(self.rules.remove(&pair)),
            Step::PutDestination(address, target) => drop(self.destinations.insert(address, target)),
            Step::RemoveDestination(address) => drop(self.destinations.remove(&address)),
            Step::PutWorkload(cgroup, service) => drop(self.workloads.insert(cgroup, service)),
            Step::RemoveWorkload(cgroup) => drop(self.workloads.remove(&cgroup)),
            Step::PutStrict(at, service) => drop(self.strict.insert(at, service)),
            Step::RemoveStrict(at) => drop(self.strict.remove(&at)),
        }
    }
}
