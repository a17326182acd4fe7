use super::*;
use crate::state::fixtures::{check, node, register, register_service, service};
use crate::state::{Outcome, Refusal};
use crate::task::TaskGroup;
use tokio::sync::mpsc;

#[tokio::test]
async fn a_server_alone_leads_and_writes_as_soon_as_it_has_started() {
    let directory = tempfile::TempDir::new().unwrap();
    for storage in [Storage::Memory, Storage::Directory(directory.path().into())] {
        let started = std::time::Instant::now();
        let server = Server::start(options(storage)).await.unwrap();
        assert_eq!(server.node.leader().as_deref(), Some("10.0.0.1:8300"));
        assert_eq!(server.node.peers(), ["10.0.0.1:8300"]);
        server.node.write(register_service("n1", "web", "web")).await.unwrap();
        server.node.confirm_leadership().await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        server.stop().await;
    }
}

#[tokio::test]
async fn a_write_is_visible_once_it_is_acknowledged() {
    let server = Server::start(options(Storage::Memory)).await.unwrap();
    let outcome = server.node.write(register_service("n1", "web", "web")).await.unwrap();
    let Outcome::Done { index } = outcome else { panic!("{outcome:?}") };
    assert_eq!(server.store.state().applied(), index);
    server.stop().await;
}

/// Writes from many tasks at once, so that they share entries; returns their outcomes by number.
async fn write_concurrently(server: &Server, commands: Vec<crate::state::Command>) -> Vec<Outcome> {
    let (sender, mut outcomes) = mpsc::channel(commands.len());
    let mut group = TaskGroup::new();
    let count = commands.len();
    for (number, command) in commands.into_iter().enumerate() {
        let (node, sender) = (server.node.clone(), sender.clone());
        group.spawn("writer", async move {
            let outcome = node.write(command).await.unwrap();
            sender.send((number, outcome)).await.unwrap();
        });
    }
    let mut received = Vec::new();
    tokio::time::timeout(DEADLINE, outcomes.recv_many(&mut received, 1)).await.unwrap();
    while received.len() < count {
        tokio::time::timeout(DEADLINE, outcomes.recv_many(&mut received, count)).await.unwrap();
    }
    received.sort_by_key(|(number, _)| *number);
    received.into_iter().map(|(_, outcome)| outcome).collect()
}

#[tokio::test]
async fn each_of_many_writers_gets_its_own_outcome_and_a_refusal_stays_with_its_own() {
    let server = Server::start(options(Storage::Memory)).await.unwrap();
    let command = |number: usize| {
        let name = format!("n{number}");
        match number % 4 {
            // A check of a service that does not exist.
            0 => register(node(&name), vec![], vec![check(&name, "c", Some("missing"))]),
            _ => register(node(&name), vec![service("web", "web")], vec![]),
        }
    };
    let outcomes = write_concurrently(&server, (0..64).map(command).collect()).await;
    let mut indexes = std::collections::BTreeSet::new();
    for (number, outcome) in outcomes.iter().enumerate() {
        match (number % 4, outcome) {
            (0, Outcome::Refused(Refusal::NoSuchService { node, .. })) => {
                assert_eq!(node.as_str(), format!("n{number}"));
            }
            (1.., Outcome::Done { index }) => {
                indexes.insert(*index);
            }
            other => panic!("writer {number}: {other:?}"),
        }
    }
    assert!(indexes.len() < 48, "writers share entries: {} for 48", indexes.len());
    server.stop().await;
}

#[tokio::test]
async fn a_stopped_server_says_so_to_writers_and_to_the_house() {
    let server = Server::start(options(Storage::Memory)).await.unwrap();
    server.shutdown.begin();
    tokio::time::timeout(DEADLINE, server.node.stopped()).await.unwrap().unwrap();
    let write = server.node.write(register_service("n1", "web", "web")).await;
    assert!(matches!(write, Err(AgreementError::Stopped { .. })), "{write:?}");
    let confirmed = server.node.confirm_leadership().await;
    assert!(matches!(confirmed, Err(AgreementError::Stopped { .. })), "{confirmed:?}");
}

#[tokio::test]
async fn timing_that_cannot_work_is_refused() {
    let mut options = options(Storage::Memory);
    options.heartbeat = options.election_timeout;
    let started = Server::start(options).await.map(|_| ());
    assert!(matches!(started, Err(RaftError::Timing { .. })), "{started:?}");
}
