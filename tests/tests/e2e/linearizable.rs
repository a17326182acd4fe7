//! Stored values and locks under concurrent clients: one order explains all that they were answered.

use mesh_tests::linearizable::Workload;
use mesh_tests::{AgentOptions, TestAgent};
use std::time::Duration;

fn workload(agent: &TestAgent, seed: u64) -> Workload {
    let agents = vec![([127, 0, 0, 1], agent.http_port).into()];
    let (prefix, patience, pace) = (format!("linear-{seed}"), Duration::from_secs(60), Duration::ZERO);
    Workload { agents, prefix, clients: 6, operations: 60, patience, pace, seed }
}

#[test]
fn one_order_explains_what_concurrent_clients_of_keys_and_locks_see() {
    let agent = TestAgent::with(AgentOptions { persistent: true, ..AgentOptions::default() });
    for seed in 0..3 {
        let (unexplained, operations) = workload(&agent, seed).start().finish().unexplained();
        assert!(operations >= 6 * 60, "{operations}");
        assert!(unexplained.is_empty(), "seed {seed}: {unexplained:#?}");
    }
}
