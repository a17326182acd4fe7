use super::leg::reset;
use super::listener::Route;
use super::mailbox::{Mail, Mailbox};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A connection that was accepted and has no session yet.
pub(super) struct Arrival {
    pub stream: TcpStream,
    pub from: SocketAddr,
    pub route: Arc<Route>,
}

/// The workers of an engine as they see each other.
///
/// The kernel wakes whichever worker waits first, so on a quiet machine one of them would get every
/// connection, and both ends of a path through this host would share a core.
pub(super) struct Crew(Vec<Mate>);

struct Mate {
    mailbox: Arc<Mailbox>,
    sessions: AtomicUsize,
}

impl Crew {
    pub fn new(workers: usize) -> io::Result<Self> {
        let mate = || Ok(Mate { mailbox: Arc::new(Mailbox::new()?), sessions: AtomicUsize::new(0) });
        Ok(Self((0..workers.max(1)).map(|_| mate()).collect::<io::Result<_>>()?))
    }

    pub fn mailboxes(&self) -> impl ExactSizeIterator<Item = &Arc<Mailbox>> {
        self.0.iter().map(|mate| &mate.mailbox)
    }

    pub fn mailbox(&self, worker: usize) -> &Arc<Mailbox> {
        &self.0[worker].mailbox
    }

    /// Gives the arrival to the worker with the fewest sessions, the asking one before others; `None` if that
    /// is another, which then has it.
    pub fn assign(&self, asking: usize, arrival: Arrival) -> Option<Arrival> {
        let load = |worker: usize| self.0[worker].sessions.load(Relaxed);
        let host =
            (0..self.0.len()).min_by_key(|worker| (load(*worker), *worker != asking)).unwrap_or(asking);
        self.0[host].sessions.fetch_add(1, Relaxed);
        if host == asking {
            return Some(arrival);
        }
        self.0[host].mailbox.post(Mail::Adopt(arrival));
        None
    }

    /// One of this worker's sessions is over.
    pub fn release(&self, worker: usize) {
        self.0[worker].sessions.fetch_sub(1, Relaxed);
    }
}

impl Arrival {
    /// Refuses it.
    pub fn reset(self) {
        reset(&self.stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::tests::scene::route_to_nowhere;
    use std::net::TcpListener;

    fn arrival() -> Arrival {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let from = stream.local_addr().unwrap();
        Arrival { stream, from, route: route_to_nowhere() }
    }

    #[test]
    fn the_worker_with_the_fewest_sessions_gets_the_next_one() {
        let crew = Crew::new(2).unwrap();
        assert!(crew.assign(0, arrival()).is_some(), "equal: the one that asks");
        assert!(crew.assign(0, arrival()).is_none(), "the other has fewer");
        assert!(matches!(crew.mailbox(1).collect()[..], [Mail::Adopt(_)]));
        assert!(crew.assign(1, arrival()).is_some(), "equal again");
        crew.release(1);
        crew.release(1);
        assert!(crew.assign(0, arrival()).is_none());
    }
}
