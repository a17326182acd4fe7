use super::crew::Arrival;
use super::listener::Route;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Which worker dialled from which port of this host.
///
/// It is a hint only: ports of several local addresses share a place, a dial to somebody else's listener
/// leaves its note behind, and an arrival may overtake its note. Whatever it says, the connection is served.
pub(super) struct Origins(Box<[AtomicUsize]>);

impl Default for Origins {
    fn default() -> Self {
        Self((0..=u16::MAX).map(|_| AtomicUsize::new(NOBODY)).collect())
    }
}

const NOBODY: usize = usize::MAX;

impl Origins {
    /// Notes a dial to `address` if it stays on this host; others can never arrive here.
    pub fn note(&self, worker: usize, stream: &TcpStream, address: SocketAddr) {
        if let Ok(from) = stream.local_addr()
            && from.ip() == address.ip()
        {
            self.0[usize::from(from.port())].store(worker, Relaxed);
        }
    }

    /// The worker that dialled what now arrives, if one did.
    pub fn take(&self, arrival: &Arrival) -> Option<usize> {
        let Route::Inbound(_) = *arrival.route else { return None };
        let here = arrival.stream.local_addr().is_ok_and(|local| local.ip() == arrival.from.ip());
        let worker = self.0[usize::from(arrival.from.port())].swap(NOBODY, Relaxed);
        (here && worker != NOBODY).then_some(worker)
    }
}
