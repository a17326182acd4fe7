use super::mutex::Mutex;
use super::semaphore::Semaphore;
use super::settings::Settings;
use crate::cli::client::{Client, ClientError};
use std::time::Duration;

/// Between two attempts where something stands in the way that nobody announces.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// How long one look waits for a change, in seconds.
pub(super) const WAIT: u64 = 15;

/// The part of a session in a lock that one holds, or several do. Consul's programs follow the same rules.
pub(super) enum Holding {
    One(Mutex),
    Several(Semaphore),
}

impl Holding {
    pub(super) fn new(session: &str, settings: &Settings) -> Self {
        match settings.limit {
            1 => Self::One(Mutex::new(settings.below(".lock"), session)),
            limit => Self::Several(Semaphore::new(settings.prefix.clone(), session, limit)),
        }
    }

    /// Waits for as long as it takes.
    pub(super) async fn acquire(&self, client: &Client) -> Result<(), ClientError> {
        match self {
            Self::One(mutex) => mutex.acquire(client).await,
            Self::Several(semaphore) => semaphore.acquire(client).await,
        }
    }

    /// Completes with the reason when it is held no more. A few failures to look are no reason yet.
    pub(super) async fn lost(&self, client: &Client, retries: u32) -> String {
        let (mut index, mut failures) = (0, 0);
        loop {
            let looked = match self {
                Self::One(mutex) => mutex.holds(client, index).await,
                Self::Several(semaphore) => semaphore.holds(client, index).await,
            };
            match looked {
                Ok((false, _)) => return "another has taken it, or its session has ended".to_owned(),
                Ok((true, newest)) => (index, failures) = (newest, 0),
                Err(error) if failures >= retries => return error.to_string(),
                Err(_) => {
                    failures += 1;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    pub(super) async fn release(&self, client: &Client) -> Result<(), ClientError> {
        match self {
            Self::One(mutex) => mutex.release(client).await,
            Self::Several(semaphore) => semaphore.release(client).await,
        }
    }

    /// After giving up waiting. What cannot be undone here, the end of the session undoes.
    pub(super) async fn withdraw(&self, client: &Client) {
        if let Self::Several(semaphore) = self {
            let _ = semaphore.withdraw(client).await;
        }
    }
}
