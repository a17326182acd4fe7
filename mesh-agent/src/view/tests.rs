use super::*;
use crate::model::{CaConfig, Opaque, RaftIndex};
use crate::state::fixtures::{register_service, root, service_name};
use crate::state::{Command, InstancesOf, Query, State, Store, Through, ViewChange};
use crate::task::{Shutdown, TaskGroup};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Servers without a network. The one in turn is followed.
struct Servers {
    stores: Vec<Arc<Store>>,
    turn: AtomicUsize,
    /// Ends the streams that were given out.
    cut: Mutex<Shutdown>,
    silent: bool,
    /// Has heard of no leader lately.
    cut_off: Option<usize>,
}

impl Servers {
    fn of(stores: &[&Arc<Store>]) -> Arc<Self> {
        let stores = stores.iter().map(|store| (*store).clone()).collect();
        Arc::new(Self {
            stores,
            turn: AtomicUsize::new(0),
            cut: Mutex::default(),
            silent: false,
            cut_off: None,
        })
    }

    fn cut(&self) {
        std::mem::take(&mut *self.cut.lock().unwrap()).begin();
    }
}

fn standing(server: usize) -> Standing {
    Standing { leader: Some(format!("server {server}")), ..Standing::default() }
}

impl Source for Servers {
    fn follow(&self, at_least: u64) -> BoxFuture<'_, Result<Frames, SourceError>> {
        let server = self.turn.load(Ordering::Relaxed) % self.stores.len();
        let last_contact = if self.cut_off == Some(server) { Duration::from_secs(9) } else { Duration::ZERO };
        let report = move || Standing { last_contact, ..standing(server) };
        let feed = Feed::new(self.stores[server].clone(), Arc::new(report), at_least);
        let frames = stream::unfold(feed, |mut feed| async move { Some((Ok(feed.next().await), feed)) });
        let cut = self.cut.lock().unwrap().begun_owned();
        let frames: Frames = match self.silent {
            true => stream::pending().boxed(),
            false => frames.take_until(cut).boxed(),
        };
        Box::pin(async move { Ok(frames) })
    }

    fn avoid(&self) {
        self.turn.fetch_add(1, Ordering::Relaxed);
    }
}

fn server(services: &[&str]) -> Arc<Store> {
    let store = Arc::new(Store::default());
    for (index, name) in (1..).zip(services) {
        store.apply(index, vec![register_service("n1", name, name)]);
    }
    store
}

/// A server of the cluster with this id.
fn cluster(id: u128, services: &[&str]) -> Arc<Store> {
    let store = server(services);
    let config = CaConfig {
        cluster_id: uuid::Uuid::from_u128(id),
        provider: "consul".to_owned(),
        config: Opaque::new(),
        index: RaftIndex::default(),
    };
    let roots = vec![root(&id.to_string(), true)];
    store.apply(10 - id as u64, vec![Command::SetCa { expected: 0, config, roots, provider: None }]);
    store
}

fn has(store: &Store, service: &str) -> bool {
    let query = InstancesOf { service: service_name(service), through: Through::Direct };
    !query.run(&store.state()).is_empty()
}

/// A view that is kept until it is dropped.
struct Kept {
    store: Arc<Store>,
    heard: tokio::sync::watch::Receiver<Option<Heard>>,
    _tasks: TaskGroup,
}

fn keep(servers: Arc<Servers>) -> Kept {
    keep_on(servers, None)
}

fn keep_on(servers: Arc<Servers>, file: Option<ViewFile>) -> Kept {
    let store = Arc::new(Store::default());
    let keeper = Keeper::new(store.clone(), servers, file);
    let (heard, mut tasks) = (keeper.heard(), TaskGroup::new());
    tasks.spawn("keeper", keeper.run(Shutdown::new()));
    Kept { store, heard, _tasks: tasks }
}

impl Kept {
    async fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let wait = async {
            while !holds(self) {
                self.heard.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    fn leader(&self) -> Option<String> {
        self.heard.borrow().as_ref().and_then(|heard| heard.standing.leader.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_server_writes_is_seen_by_those_who_follow_it() {
    let store = server(&["web"]);
    let mut kept = keep(Servers::of(&[&store]));
    kept.until("the first state", |kept| has(&kept.store, "web")).await;
    store.apply(2, vec![register_service("n1", "db", "db")]);
    kept.until("the second service", |kept| has(&kept.store, "db")).await;
    assert_eq!(kept.leader().as_deref(), Some("server 0"));
}

#[tokio::test(start_paused = true)]
async fn a_state_of_many_pieces_is_shown_only_as_a_whole() {
    let names: Vec<String> = (0..5_000).map(|at| format!("service-{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let store = server(&names);
    let mut feed = Feed::new(store.clone(), Arc::new(|| standing(0)), 0);
    let first = feed.next().await.part.unwrap();
    assert!(first.whole && !first.last, "it comes in pieces");
    let mut kept = keep(Servers::of(&[&store]));
    kept.heard.changed().await.unwrap();
    assert!(has(&kept.store, "service-0") && has(&kept.store, "service-4999"));
}

#[tokio::test(start_paused = true)]
async fn when_a_server_goes_another_is_followed_and_nothing_goes_back() {
    let (newest, lagging) = (server(&["web", "db"]), server(&["web"]));
    let servers = Servers::of(&[&newest, &lagging]);
    let mut kept = keep(servers.clone());
    kept.until("the first server's state", |kept| has(&kept.store, "db")).await;
    servers.cut();
    // The lagging server shows nothing until it has caught up.
    let mut lowest = u64::MAX;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        lowest = lowest.min(kept.store.state().applied());
    }
    assert_eq!(lowest, 2, "it went back");
    lagging.apply(2, vec![register_service("n1", "db", "db")]);
    lagging.apply(3, vec![register_service("n1", "api", "api")]);
    kept.until("the other server's news", |kept| has(&kept.store, "api")).await;
    assert_eq!(kept.leader().as_deref(), Some("server 1"));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up() {
    let store = server(&["web"]);
    let silent = Servers { silent: true, ..Arc::into_inner(Servers::of(&[&store])).unwrap() };
    let silent = Arc::new(silent);
    let kept = keep(silent.clone());
    tokio::time::timeout(Duration::from_secs(60), async {
        while silent.turn.load(Ordering::Relaxed) < 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("it waits for ever");
    assert!(kept.heard.borrow().is_none());
}

#[tokio::test(start_paused = true)]
async fn pieces_that_are_no_change_end_the_stream() {
    let mut parcel = super::parcel::Parcel::default();
    let part = Part { whole: true, last: true, bytes: b"noise".to_vec() };
    assert!(parcel.add(&part).is_err());
}

#[tokio::test]
async fn a_kept_view_is_there_again_before_any_server_answers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("view");
    let store = server(&["web", "db"]);
    ViewFile::new(path.clone()).save(&store.state()).await.unwrap();
    let kept = keep_on(Servers::of(&[&Arc::default()]), Some(ViewFile::new(path.clone())));
    assert!(has(&kept.store, "db"));
    assert!(kept.heard.borrow().is_none(), "nothing was heard of a server");

    let mut damaged = std::fs::read(&path).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&path, damaged).unwrap();
    let fresh = keep_on(Servers::of(&[&Arc::default()]), Some(ViewFile::new(path)));
    assert!(!has(&fresh.store, "db"), "a damaged view was used");
}

#[tokio::test(start_paused = true)]
async fn servers_that_were_made_anew_are_followed_though_their_indexes_are_lower() {
    let (old, new) = (cluster(1, &["web", "db", "api"]), cluster(2, &["web"]));
    let mut kept = keep(Servers::of(&[&new]));
    kept.store.follow(ViewChange::between(&State::default(), &old.state()), true).unwrap();
    assert!(has(&kept.store, "api") && old.state().applied() > new.state().applied());
    kept.until("the new cluster's state", |kept| !has(&kept.store, "api") && has(&kept.store, "web")).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hears_of_no_leader_is_left_for_another() {
    let (alone, led) = (server(&["web"]), server(&["web", "db"]));
    let stores = vec![alone, led];
    let servers =
        Servers { stores, turn: AtomicUsize::new(0), cut: Mutex::default(), silent: false, cut_off: Some(0) };
    let mut kept = keep(Arc::new(servers));
    let began = tokio::time::Instant::now();
    kept.until("what the others have written", |kept| has(&kept.store, "db")).await;
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(kept.leader().as_deref(), Some("server 1"));
}
