use super::feed::BEAT;
use super::parcel::Parcel;
use super::{Frame, FrameError, Standing, ViewFile};
use crate::state::Store;
use crate::task::Shutdown;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use rand::RngExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// A server that says nothing for so long is given up for another.
const SILENCE: Duration = BEAT.saturating_mul(4);
/// One that has not heard of a leader for so long is, too: it may be cut off from the others, which have one.
const LEADERLESS: Duration = Duration::from_secs(3);
/// Waits between attempts: the first, and the longest.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// How often a view that changes is put on disk, at most.
const SAVE_PERIOD: Duration = Duration::from_secs(30);
/// So many failures after each other, and the servers are taken for others than those that were known.
const ALL_BEHIND: u32 = 8;

/// The frames of one server, until it ends or fails.
pub type Frames = BoxStream<'static, Result<Frame, SourceError>>;

/// Where frames come from: some server, and another one after a failure.
pub trait Source: Send + Sync {
    /// Follows a server that has at least the state of this index.
    fn follow(&self, at_least: u64) -> BoxFuture<'_, Result<Frames, SourceError>>;
    /// The server that was followed last has shown what cannot be followed, or nothing for too long.
    fn avoid(&self);
}

/// Why no server is followed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct SourceError {
    pub reason: String,
}

/// What was last heard of the servers, and when.
#[derive(Clone, Debug)]
pub struct Heard {
    pub standing: Standing,
    pub at: Instant,
}

/// Brings a store to what the servers show.
pub struct Keeper {
    store: Arc<Store>,
    source: Arc<dyn Source>,
    heard: watch::Sender<Option<Heard>>,
    file: Option<ViewFile>,
}

/// Why a server is followed no more.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the server ended the stream")]
    Ended,
    #[error("the server said nothing for {SILENCE:?}")]
    Silent,
    #[error("the server has not heard of a leader for {LEADERLESS:?}")]
    Leaderless,
    #[error("the server is behind what was seen already, or slow to show its state")]
    Lagging,
}

impl Keeper {
    /// Begins with what `file` has, where it is given.
    pub fn new(store: Arc<Store>, source: Arc<dyn Source>, file: Option<ViewFile>) -> Self {
        let kept = file.as_ref().and_then(ViewFile::load);
        if let Some(Err(error)) = kept.map(|change| store.follow(change, true)) {
            tracing::warn!(%error, "the kept view of the catalog is not used");
        }
        Self { store, source, heard: watch::Sender::new(None), file }
    }

    /// What is heard of the servers; nothing until all of the state was shown once.
    pub fn heard(&self) -> watch::Receiver<Option<Heard>> {
        self.heard.subscribe()
    }

    /// Follows one server after another.
    pub async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            () = self.follow_always() => {}
            () = self.save_always() => {}
            () = shutdown.begun() => {}
        }
        self.save(0).await;
    }

    async fn follow_always(&self) {
        let (mut wait, mut failures) = (PATIENCE.0, 0);
        loop {
            let began = Instant::now();
            let lost = self.follow(failures).await;
            self.tell(&lost);
            // A server that was followed for a while was a good one.
            let was_good = began.elapsed() > SILENCE * 2;
            // Nothing is wrong with the state of one that has no leader.
            let failed = u32::from(!matches!(lost, Lost::Leaderless));
            (wait, failures) = if was_good { (PATIENCE.0, 0) } else { (wait * 2, failures + failed) };
            wait = wait.min(PATIENCE.1);
            let jitter = rand::rng().random_range(0.5..1.0);
            tokio::time::sleep(wait.mul_f64(jitter)).await;
        }
    }

    async fn save_always(&self) {
        let mut saved = self.store.state().viewed_index();
        loop {
            tokio::time::sleep(SAVE_PERIOD).await;
            saved = self.save(saved).await;
        }
    }

    /// Puts the view on disk if it has changed since index `saved`; returns what is there now.
    async fn save(&self, saved: u64) -> u64 {
        let state = self.store.state();
        let Some(file) = self.file.as_ref().filter(|_| state.viewed_index() > saved) else { return saved };
        match file.save(&state).await {
            Ok(()) => state.viewed_index(),
            Err(error) => {
                tracing::warn!(%error, "the view of the catalog cannot be kept on disk");
                saved
            }
        }
    }

    fn tell(&self, lost: &Lost) {
        tracing::warn!(reason = %lost, "no server is followed now: another is tried, and answers may be stale");
        self.source.avoid();
    }

    /// Servers that are all behind are others: their state is looked at, and refused if it is of the same
    /// cluster.
    async fn follow(&self, failures: u32) -> Lost {
        let at_least = if failures < ALL_BEHIND { self.store.state().applied() } else { 0 };
        match self.source.follow(at_least).await {
            Ok(frames) => self.take_all(frames).await,
            Err(error) => error.into(),
        }
    }

    async fn take_all(&self, mut frames: Frames) -> Lost {
        let (mut parcel, began) = (Parcel::default(), Instant::now());
        let (mut shown, mut led) = (false, began);
        loop {
            if led.elapsed() > LEADERLESS {
                return Lost::Leaderless;
            }
            if !shown && began.elapsed() > SILENCE {
                return Lost::Lagging;
            }
            let taken = match tokio::time::timeout(SILENCE, frames.next()).await {
                Err(_) => return Lost::Silent,
                Ok(None) => return Lost::Ended,
                Ok(Some(Err(error))) => return error.into(),
                Ok(Some(Ok(frame))) => {
                    if frame.standing.has_leader() {
                        led = Instant::now();
                    }
                    self.take(frame, &mut parcel)
                }
            };
            match taken {
                Ok(complete) => shown |= complete,
                Err(error) => return error.into(),
            }
        }
    }

    /// Says whether the frame completed a change. A beat before the first whole state says nothing: readers
    /// would find an empty catalog.
    fn take(&self, frame: Frame, parcel: &mut Parcel) -> Result<bool, FrameError> {
        let mut complete = false;
        if let Some(part) = &frame.part
            && let Some(change) = parcel.add(part)?
        {
            self.store.follow(change, part.whole)?;
            complete = true;
        }
        if complete || self.heard.borrow().is_some() {
            self.heard.send_replace(Some(Heard { standing: frame.standing, at: Instant::now() }));
        }
        Ok(complete)
    }
}
