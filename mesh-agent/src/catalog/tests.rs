use super::fixtures::{OneVoter, catalog_over};
use super::*;
use crate::raft::{NoPeers, RaftNode, RaftOptions, Storage};
use crate::state::fixtures::{check, node, register, register_service, service, service_name};
use crate::state::{InstancesOf, ListNodes, Refusal, Store, Through};
use crate::task::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

fn catalog() -> Catalog {
    catalog_over(Arc::default())
}

fn web() -> InstancesOf {
    InstancesOf { service: service_name("web"), through: Through::Direct }
}

fn blocking(above: u64) -> ReadOptions {
    ReadOptions { above: Some(above), wait: Duration::from_secs(60), ..ReadOptions::default() }
}

#[tokio::test(start_paused = true)]
async fn a_blocking_read_answers_as_soon_as_its_answer_changes() {
    let catalog = catalog();
    let index = catalog.write(register_service("n1", "web", "web")).await.unwrap();
    let (query, options) = (web(), blocking(index));
    let read = catalog.read(&query, &options);
    tokio::pin!(read);
    assert!(timeout(Duration::from_secs(1), &mut read).await.is_err(), "nothing new");
    catalog.write(register_service("n1", "db", "db")).await.unwrap();
    assert!(timeout(Duration::from_secs(1), &mut read).await.is_err(), "another service");
    let index = catalog.write(register_service("n2", "web", "web")).await.unwrap();
    let reply = timeout(Duration::from_secs(1), read).await.unwrap().unwrap();
    assert_eq!((reply.index, reply.value.len()), (index, 2));
}

#[tokio::test(start_paused = true)]
async fn a_blocking_read_whose_time_is_over_answers_with_what_there_is() {
    let catalog = catalog();
    let index = catalog.write(register_service("n1", "web", "web")).await.unwrap();
    let asked = Instant::now();
    let reply = catalog.read(&web(), &blocking(index)).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::from_secs(60));
    assert_eq!((reply.index, reply.value.len()), (index, 1));
}

#[tokio::test(start_paused = true)]
async fn a_blocking_read_below_the_index_does_not_wait() {
    let catalog = catalog();
    let index = catalog.write(register_service("n1", "web", "web")).await.unwrap();
    let asked = Instant::now();
    catalog.read(&web(), &blocking(index - 1)).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn without_a_leader_only_stale_reads_are_answered_and_say_so() {
    let store = Arc::<Store>::default();
    let voter = OneVoter::new(store.clone());
    voter.elect(false);
    let catalog = Catalog::new(store, voter);
    let read = |consistency| {
        let catalog = catalog.clone();
        async move { catalog.read(&ListNodes, &ReadOptions { consistency, ..ReadOptions::default() }).await }
    };
    let stale = read(Consistency::Stale).await.unwrap();
    assert!(!stale.known_leader && stale.value.is_empty());
    for consistency in [Consistency::Default, Consistency::Consistent] {
        let refused = read(consistency).await.map(drop);
        let no_leader = CatalogError::Consensus(ConsensusError::NoLeader);
        assert_eq!(refused.unwrap_err().to_string(), no_leader.to_string(), "{consistency:?}");
    }
}

#[tokio::test]
async fn with_a_leader_every_consistency_is_answered() {
    for consistency in [Consistency::Default, Consistency::Consistent, Consistency::Stale] {
        let options = ReadOptions { consistency, ..ReadOptions::default() };
        assert!(catalog().read(&ListNodes, &options).await.unwrap().known_leader, "{consistency:?}");
    }
}

#[tokio::test]
async fn a_refused_write_is_an_error_with_its_reason() {
    let command = register(node("n1"), vec![], vec![check("n1", "c", Some("db"))]);
    let refused = catalog().write(command).await.unwrap_err();
    assert!(matches!(refused, CatalogError::Refused(Refusal::NoSuchService { .. })), "{refused}");
}

#[tokio::test]
async fn over_raft_a_consistent_read_sees_the_write_before_it() {
    let (store, shutdown) = (Arc::<Store>::default(), Shutdown::new());
    let options = RaftOptions::new(1, "10.0.0.1:8300".parse().unwrap(), Storage::Memory);
    let raft =
        Arc::new(RaftNode::start(options, store.clone(), Arc::new(NoPeers), shutdown.clone()).await.unwrap());
    let catalog = Catalog::new(store, raft.clone());
    let command = register(node("n1"), vec![service("web", "web")], vec![]);
    let index = catalog.write(command).await.unwrap();
    let consistent = ReadOptions { consistency: Consistency::Consistent, ..ReadOptions::default() };
    let reply = catalog.read(&web(), &consistent).await.unwrap();
    assert_eq!((reply.index, reply.value.len()), (index, 1));
    assert_eq!(catalog.leader().as_deref(), Some("10.0.0.1:8300"));
    assert_eq!(catalog.peers(), ["10.0.0.1:8300"]);

    shutdown.begin();
    raft.stopped().await.unwrap();
    let refused = catalog.write(register_service("n2", "web", "web")).await.unwrap_err();
    assert!(matches!(refused, CatalogError::Consensus(ConsensusError::Stopped { .. })), "{refused}");
    let stale = ReadOptions { consistency: Consistency::Stale, ..ReadOptions::default() };
    assert_eq!(catalog.read(&web(), &stale).await.unwrap().value.len(), 1);
}
