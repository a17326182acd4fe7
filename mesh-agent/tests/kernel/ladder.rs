//! What the kernel decides.

use crate::lab::is_fit;
use mesh_agent::dataplane::kernel::Ladder;
use mesh_common::{ANY, Action, Pair, decide};

/// What a rule may say, or that there is none.
const SAID: [Option<Action>; 3] = [None, Some(Action::Allow), Some(Action::Deny)];

const fn pair(source: u32, destination: u32) -> Pair {
    Pair { source, destination }
}

#[test]
fn the_kernel_decides_every_small_set_of_rules_as_the_agent_does() {
    if !is_fit("the_kernel_decides_every_small_set_of_rules_as_the_agent_does") {
        return;
    }
    let mut ladder = Ladder::load().unwrap();
    let rungs = [pair(1, 2), pair(ANY, 2), pair(1, ANY), pair(ANY, ANY)];
    for set in 0..81_usize {
        let rules = [1, 3, 9, 27].map(|weight| SAID[set / weight % 3]);
        for (rung, rule) in rungs.into_iter().zip(rules) {
            match rule {
                Some(action) => ladder.set(rung, action).unwrap(),
                None => ladder.remove(rung).unwrap(),
            }
        }
        let rule = |source, destination| {
            let rung = rungs.iter().position(|rung| *rung == pair(source, destination));
            rung.and_then(|at| rules[at])
        };
        for default in [Action::Allow, Action::Deny] {
            ladder.set_default(default).unwrap();
            for (source, destination) in [(1, 2), (3, 2), (1, 3), (3, 3)] {
                let (found, _) = ladder.decide(pair(source, destination), 1).unwrap();
                let expected = decide(source, destination, default, rule);
                assert_eq!(found, expected, "{source} to {destination} by {rules:?}, else {default:?}");
            }
        }
    }
}
