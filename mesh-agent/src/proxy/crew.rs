use super::leg::reset;
use super::listener::Route;
use super::mailbox::{Mail, Mailbox};
use super::origins::Origins;
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

/// The workers of an engine, and which of them serves what arrives.
///
/// The kernel wakes whichever worker waits first: on a quiet machine one of them would get every connection.
/// So they take turns, which unlike counts of sessions are not misled by those that are idle. But when both
/// ends of a path are here, one worker serves them both: bytes stay in its core's cache, and no core has to
/// wake the other.
pub(super) struct Crew {
    mailboxes: Vec<Arc<Mailbox>>,
    turn: AtomicUsize,
    origins: Origins,
}

impl Crew {
    pub fn new(workers: usize) -> io::Result<Self> {
        let mailbox = || Mailbox::new().map(Arc::new);
        let mailboxes = (0..workers.max(1)).map(|_| mailbox()).collect::<io::Result<_>>()?;
        Ok(Self { mailboxes, turn: AtomicUsize::new(0), origins: Origins::default() })
    }

    pub fn mailboxes(&self) -> &[Arc<Mailbox>] {
        &self.mailboxes
    }

    /// The worker has dialled an instance, which may turn out to be a listener of this engine.
    pub fn dialled(&self, worker: usize, stream: &TcpStream, address: SocketAddr) {
        self.origins.note(worker, stream, address);
    }

    /// Gives the arrival to the worker that is to serve it; back to the asking one if that is it.
    pub fn assign(&self, asking: usize, arrival: Arrival) -> Option<Arrival> {
        let host = self.origins.take(&arrival).unwrap_or_else(|| self.next());
        if host == asking {
            return Some(arrival);
        }
        self.mailboxes[host].post(Mail::Adopt(arrival));
        None
    }

    fn next(&self) -> usize {
        self.turn.fetch_add(1, Relaxed) % self.mailboxes.len()
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

    /// A connection from this host to itself, both ends of it.
    fn connection() -> (TcpStream, Arrival) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let dialled = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, from) = listener.accept().unwrap();
        (dialled, Arrival { stream, from, route: route_to_nowhere() })
    }

    fn arrival() -> Arrival {
        connection().1
    }

    #[test]
    fn connections_go_to_the_workers_in_turn_whoever_accepts_them() {
        let crew = Crew::new(2).unwrap();
        assert!(crew.assign(0, arrival()).is_some());
        assert!(crew.assign(0, arrival()).is_none());
        assert!(crew.assign(1, arrival()).is_none());
        assert!(crew.assign(1, arrival()).is_some());
        let adopted = |worker: usize| crew.mailboxes()[worker].collect().len();
        assert_eq!((adopted(0), adopted(1)), (1, 1));
    }

    #[test]
    fn both_ends_of_a_path_are_served_by_the_worker_that_dialled() {
        let crew = Crew::new(3).unwrap();
        for worker in [2, 0, 1, 1] {
            let (dialled, arrival) = connection();
            crew.dialled(worker, &dialled, dialled.peer_addr().unwrap());
            assert!(crew.assign(worker, arrival).is_some(), "worker {worker}");
        }
    }
}
