//! Stored values and locks under concurrent clients: one order explains all that they were answered.

use mesh_tests::linearizable::Workload;
use mesh_tests::{AgentOptions, TestAgent};

/// Few keys and many clients, so that they meet.
fn workload(agent: &TestAgent, seed: u64) -> Workload {
    let keys = ["a", "b", "c"].map(|key| format!("linear-{seed}/{key}")).to_vec();
    Workload { ports: vec![agent.http_port], keys, clients: 6, operations: 60, seed }
}

#[test]
fn one_order_explains_what_concurrent_clients_of_keys_and_locks_see() {
    let agent = TestAgent::with(AgentOptions { persistent: true, ..AgentOptions::default() });
    for seed in 0..3 {
        let (unexplained, operations) = workload(&agent, seed).run().unexplained();
        assert!(operations >= 6 * 60, "{operations}");
        assert!(unexplained.is_empty(), "seed {seed}: {unexplained:#?}");
    }
}
