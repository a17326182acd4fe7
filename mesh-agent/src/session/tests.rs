use super::*;
use crate::catalog::Catalog;
use crate::catalog::fixtures::{OneVoter, catalog_over};
use crate::model::{KvValue, RaftIndex, Session, SessionBehavior, SessionId};
use crate::state::fixtures::{node, register};
use crate::state::{Command, GetKey, GetSession, KvVerb, KvWrite, Query, Refusal, Store};
use crate::task::{Shutdown, TaskGroup};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Leads when the test says so.
struct Leads(AtomicBool);

impl Leadership for Leads {
    fn leads(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

struct Scene {
    catalog: Catalog,
    sessions: Sessions,
    leads: Arc<Leads>,
    start: Instant,
    _tasks: TaskGroup,
}

impl Scene {
    async fn new() -> Self {
        Self::over(catalog_over(Arc::<Store>::default())).await
    }

    async fn over(catalog: Catalog) -> Self {
        let (leads, sessions) = (Arc::new(Leads(AtomicBool::new(true))), Sessions::default());
        catalog.write(register(node("n1"), vec![], vec![])).await.unwrap();
        let keeper = SessionKeeper::new(catalog.clone(), leads.clone(), sessions.clone());
        let mut tasks = TaskGroup::new();
        tasks.spawn("sessions", keeper.run(Shutdown::new()));
        Self { catalog, sessions, leads, start: Instant::now(), _tasks: tasks }
    }

    async fn create(&self, id: u128, ttl: u64, delay: u64) -> Session {
        let session = Session {
            id: SessionId::from_u128(id),
            name: String::new(),
            node: "n1".parse().unwrap(),
            node_checks: Vec::new(),
            service_checks: Vec::new(),
            lock_delay: Duration::from_secs(delay),
            behavior: SessionBehavior::Release,
            ttl: (ttl > 0).then(|| Duration::from_secs(ttl)),
            index: RaftIndex::default(),
        };
        self.catalog.write(Command::CreateSession(Box::new(session.clone()))).await.unwrap();
        session
    }

    async fn lock(&self, id: u128) -> bool {
        let verb = KvVerb::Lock { value: KvValue::default(), flags: 0, session: SessionId::from_u128(id) };
        let write = KvWrite { key: "k".into(), verb };
        self.catalog.write_if(Command::Kv(Box::new(write))).await.unwrap()
    }

    fn lives(&self, id: u128) -> bool {
        GetSession(SessionId::from_u128(id)).run(&self.catalog.state()).is_some()
    }

    async fn at(&self, seconds: u64) {
        sleep_until(self.start + Duration::from_secs(seconds)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_between_one_and_two_of_its_lives_unless_it_is_renewed() {
    let scene = Scene::new().await;
    scene.create(1, 10, 0).await;
    let renewed = scene.create(2, 10, 0).await;
    scene.create(3, 0, 0).await;
    assert!(scene.lock(1).await);
    scene.at(15).await;
    assert!(scene.lives(1), "it is not late before its time to live is over twice");
    scene.sessions.renew(&renewed);
    scene.at(23).await;
    assert!(!scene.lives(1) && scene.lives(2) && scene.lives(3));
    assert_eq!(GetKey("k".into()).run(&scene.catalog.state()).unwrap().session, None);
    scene.at(40).await;
    assert!(!scene.lives(2) && scene.lives(3), "one without a time to live stays");
}

#[tokio::test(start_paused = true)]
async fn a_lost_lock_can_be_taken_when_its_delay_is_over() {
    let scene = Scene::new().await;
    scene.create(1, 0, 15).await;
    scene.create(2, 0, 15).await;
    assert!(scene.lock(1).await);
    scene.catalog.write(Command::EndSession(SessionId::from_u128(1))).await.unwrap();
    assert!(!scene.lock(2).await);
    scene.at(14).await;
    assert!(!scene.lock(2).await, "the delay is not over");
    scene.at(17).await;
    assert!(scene.lock(2).await);
}

#[tokio::test(start_paused = true)]
async fn a_new_leader_gives_every_session_its_whole_time_again() {
    let scene = Scene::new().await;
    scene.leads.0.store(false, Ordering::SeqCst);
    scene.create(1, 10, 0).await;
    scene.at(100).await;
    assert!(scene.lives(1), "another server leads");
    scene.leads.0.store(true, Ordering::SeqCst);
    scene.at(115).await;
    assert!(scene.lives(1));
    scene.at(125).await;
    assert!(!scene.lives(1));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_is_tried_again() {
    let store = Arc::<Store>::default();
    let voter = OneVoter::new(store.clone());
    let scene = Scene::over(Catalog::new(store, voter.clone())).await;
    scene.create(1, 10, 0).await;
    voter.elect(false);
    scene.at(60).await;
    assert!(scene.lives(1));
    voter.elect(true);
    scene.at(65).await;
    assert!(!scene.lives(1));
    let refused = scene.catalog.write(Command::Kv(Box::new(KvWrite {
        key: "k".into(),
        verb: KvVerb::Lock { value: KvValue::default(), flags: 0, session: SessionId::from_u128(1) },
    })));
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, crate::catalog::CatalogError::Refused(Refusal::NoSuchSession { .. })));
}
