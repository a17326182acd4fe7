//! A leader whose disk is slower than its followers'.

use super::cluster::Cluster;
use super::*;
use crate::raft::files::simulated::HeldSyncs;
use crate::state::Outcome;
use crate::state::fixtures::register_service;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::timeout;

/// Nobody gives the leader up while its disk holds it up.
const PATIENT: Duration = Duration::from_secs(20);
/// A leader that is gone is soon missed.
const IMPATIENT: Duration = Duration::from_secs(2);

fn last(cluster: &Cluster, id: u64) -> Option<u64> {
    cluster.servers[&id].node.raft.metrics().borrow().last_log_index
}

/// The leader knows that the followers have all that it has, and so what it may send them next.
async fn abreast(leader: u64, cluster: &Cluster) {
    let wait = |c: &Cluster| {
        let servers = c.servers[&leader].node.servers();
        servers.iter().all(|server| server.matched == last(c, leader)).then_some(())
    };
    cluster.until("all are abreast", wait).await;
}

/// A write that the followers have, and the leader's disk, which is held, has not.
struct Ahead {
    held: HeldSyncs,
    write: BoxFuture<'static, Result<Outcome, AgreementError>>,
}

async fn written_to_all_but(leader: u64, cluster: &Cluster) -> Ahead {
    abreast(leader, cluster).await;
    let others = || cluster.servers.keys().filter(|id| **id != leader);
    let before = last(cluster, leader);
    let held = cluster.disks[&leader].hold_syncs();
    let node = cluster.servers[&leader].node.clone();
    let mut write = async move { node.write(register_service("n1", "web", "web")).await }.boxed();
    let there =
        cluster.until("it is on the followers", |c| others().all(|id| last(c, *id) > before).then_some(()));
    tokio::select! {
        () = there => {}
        written = &mut write => panic!("the leader has answered {written:?} without its disk"),
    }
    Ahead { held, write }
}

#[tokio::test]
async fn followers_get_an_entry_while_the_leaders_disk_works_and_it_counts_when_that_has_it() {
    let cluster = Cluster::founded_on_disks(3, PATIENT).await;
    let leader = cluster.leader().await;
    cluster.write(leader, "db").await;
    let Ahead { held, .. } = written_to_all_but(leader, &cluster).await;
    assert!(cluster.servers.keys().all(|id| !cluster.has(*id, "web")), "nobody takes it for committed");
    drop(held);
    cluster.everywhere("web").await;
    cluster.write(leader, "after").await;
    cluster.everywhere("after").await;
}

#[tokio::test]
async fn an_entry_whose_leaders_disk_failed_is_unconfirmed_and_no_other_entry_later() {
    let mut cluster = Cluster::founded_on_disks(3, IMPATIENT).await;
    let leader = cluster.leader().await;
    cluster.write(leader, "db").await;
    let Ahead { held, write } = written_to_all_but(leader, &cluster).await;
    let found = cluster.disks[&leader].after_power_loss();
    cluster.disks[&leader].fail_syncs_after(0);
    drop(held);
    // Refused would be wrong: the followers go on with it.
    let unsure = timeout(DEADLINE, write).await.expect("whoever wrote is told");
    assert!(matches!(unsure, Err(AgreementError::Unconfirmed { .. })), "{unsure:?}");
    drop(cluster.servers.remove(&leader));
    cluster.disks.insert(leader, found);
    cluster.start(leader).await;
    cluster.everywhere("web").await;
    let next = cluster.leader().await;
    let written = cluster.servers[&next].node.write(register_service("n1", "after", "after")).await;
    assert!(matches!(written, Ok(Outcome::Done { .. })), "{written:?}");
    cluster.everywhere("after").await;
}
