use super::deadlines::Deadlines;
use crate::catalog::Catalog;
use crate::model::{Key, Session, SessionId};
use crate::state::{Command, ListSessions, LockDelays, Query, State, Topic};
use crate::task::Shutdown;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Whether this server leads now.
pub trait Leadership: Send + Sync {
    fn leads(&self) -> bool;
}

/// How much longer than its time to live a session lives at least: whoever renews in time is never late.
const GRACE: u32 = 2;
/// How often leadership is looked at, and a failed write tried again.
const PERIOD: Duration = Duration::from_secs(1);
/// Changes that come within this time are looked at together.
const GATHER: Duration = Duration::from_millis(20);

/// A delay by its key and the write that began it.
type Delay = (Key, u64);

#[derive(Default)]
struct Timers {
    sessions: Deadlines<SessionId>,
    delays: Deadlines<Delay>,
}

/// How those who renew reach the deadlines.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<Timers>>);

impl Sessions {
    /// Its time begins anew.
    pub fn renew(&self, session: &Session) {
        if let Some(ttl) = session.ttl {
            self.timers().sessions.set(session.id, Instant::now() + ttl * GRACE);
        }
    }

    fn timers(&self) -> MutexGuard<'_, Timers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows sessions and lock delays, and ends those whose time is over.
pub struct SessionKeeper {
    catalog: Catalog,
    leadership: Arc<dyn Leadership>,
    sessions: Sessions,
}

impl SessionKeeper {
    pub fn new(catalog: Catalog, leadership: Arc<dyn Leadership>, sessions: Sessions) -> Self {
        Self { catalog, leadership, sessions }
    }

    /// Registered before it reads, so that no change between the two is missed.
    pub async fn run(self, shutdown: Shutdown) {
        let topics = [Topic::Sessions, Topic::LockDelays];
        let watch = self.catalog.watch(&topics);
        let (mut heard, mut started) = (0, None);
        while !shutdown.has_begun() {
            let state = self.catalog.state();
            let index = state.index_of(&topics);
            let next = self.look(&state, index, &mut started).await;
            heard = index.max(heard);
            tokio::select! {
                newest = watch.changed(heard) => {
                    heard = newest;
                    tokio::time::sleep(GATHER).await;
                }
                () = tokio::time::sleep_until(next) => {}
                () = shutdown.begun() => {}
            }
        }
    }

    /// Does what is to do now, and says when to look again if nothing changes. `started` is the index up to
    /// which everything has its deadline; none, while another server leads.
    async fn look(&self, state: &State, index: u64, started: &mut Option<u64>) -> Instant {
        if !self.leadership.leads() {
            *started = None;
            *self.sessions.timers() = Timers::default();
            return Instant::now() + PERIOD;
        }
        if *started != Some(index) {
            self.start(state);
            *started = Some(index);
        }
        self.end_over().await;
        self.next()
    }

    /// Gives a deadline to what has none yet, and forgets what is gone.
    fn start(&self, state: &State) {
        let (sessions, delays) = (ListSessions(None).run(state), LockDelays.run(state));
        let now = Instant::now();
        let mut timers = self.sessions.timers();
        let open: HashSet<_> = sessions.iter().map(|session| session.id).collect();
        timers.sessions.retain(|id| open.contains(id));
        for (id, ttl) in sessions.iter().filter_map(|session| Some((session.id, session.ttl?))) {
            timers.sessions.start(id, now + ttl * GRACE);
        }
        let running: HashSet<Delay> = delays.iter().map(|(key, delay)| (key.clone(), delay.since)).collect();
        timers.delays.retain(|delay| running.contains(delay));
        for (key, delay) in delays {
            timers.delays.start((key, delay.since), now + delay.lasts);
        }
    }

    /// What could not be written has a deadline again.
    async fn end_over(&self) {
        let (sessions, delays) = self.take_over();
        for id in sessions {
            tracing::info!(session = %id, "a session was not renewed in time and ends");
            if let Err(error) = self.catalog.write(Command::EndSession(id)).await {
                tracing::warn!(session = %id, %error, "a session could not be ended yet");
                self.sessions.timers().sessions.start(id, Instant::now() + PERIOD);
            }
        }
        if delays.is_empty() {
            return;
        }
        if let Err(error) = self.catalog.write(Command::EndLockDelays(delays.clone())).await {
            tracing::warn!(%error, "lock delays could not be ended yet");
            let mut timers = self.sessions.timers();
            delays.into_iter().for_each(|delay| timers.delays.start(delay, Instant::now() + PERIOD));
        }
    }

    fn take_over(&self) -> (Vec<SessionId>, Vec<Delay>) {
        let (now, mut timers) = (Instant::now(), self.sessions.timers());
        (timers.sessions.take_over(now), timers.delays.take_over(now))
    }

    /// When to look again.
    fn next(&self) -> Instant {
        let later = Instant::now() + PERIOD;
        let timers = self.sessions.timers();
        [timers.sessions.next(), timers.delays.next()].into_iter().flatten().fold(later, Instant::min)
    }
}
