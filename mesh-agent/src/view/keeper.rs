use super::feed::BEAT;
use super::parcel::Parcel;
use super::{Frame, FrameError, Standing};
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
/// Waits between attempts: the first, and the longest.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

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
}

impl Keeper {
    pub fn new(store: Arc<Store>, source: Arc<dyn Source>) -> Self {
        Self { store, source, heard: watch::Sender::new(None) }
    }

    /// What is heard of the servers; nothing until all of the state was shown once.
    pub fn heard(&self) -> watch::Receiver<Option<Heard>> {
        self.heard.subscribe()
    }

    /// Follows one server after another.
    pub async fn run(self, shutdown: Shutdown) {
        let mut wait = PATIENCE.0;
        while !shutdown.has_begun() {
            let began = Instant::now();
            tokio::select! {
                lost = self.follow() => self.tell(&lost),
                () = shutdown.begun() => return,
            }
            // A server that was followed for a while was a good one.
            wait = if began.elapsed() > SILENCE { PATIENCE.0 } else { (wait * 2).min(PATIENCE.1) };
            tokio::select! {
                () = tokio::time::sleep(wait.mul_f64(rand::rng().random_range(0.5..1.0))) => {}
                () = shutdown.begun() => return,
            }
        }
    }

    fn tell(&self, lost: &Lost) {
        tracing::warn!(reason = %lost, "no server is followed now: another is tried, and answers may be stale");
        self.source.avoid();
    }

    async fn follow(&self) -> Lost {
        match self.source.follow(self.store.state().applied()).await {
            Ok(frames) => self.take_all(frames).await,
            Err(error) => error.into(),
        }
    }

    async fn take_all(&self, mut frames: Frames) -> Lost {
        let mut parcel = Parcel::default();
        loop {
            let taken = match tokio::time::timeout(SILENCE, frames.next()).await {
                Err(_) => return Lost::Silent,
                Ok(None) => return Lost::Ended,
                Ok(Some(Err(error))) => return error.into(),
                Ok(Some(Ok(frame))) => self.take(frame, &mut parcel),
            };
            if let Err(error) = taken {
                return error.into();
            }
        }
    }

    /// A beat before the first whole state says nothing: readers would find an empty catalog.
    fn take(&self, frame: Frame, parcel: &mut Parcel) -> Result<(), FrameError> {
        let mut complete = self.heard.borrow().is_some();
        if let Some(part) = &frame.part
            && let Some(change) = parcel.add(part)?
        {
            self.store.follow(change, part.whole)?;
            complete = true;
        }
        if complete {
            self.heard.send_replace(Some(Heard { standing: frame.standing, at: Instant::now() }));
        }
        Ok(())
    }
}
