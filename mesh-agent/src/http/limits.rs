use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What one door lets in at a time, and how long it waits for clients.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Connections that one address may have open and wait on (`limits.http_max_conns_per_client`).
    pub per_client: usize,
    /// Connections of all clients together.
    pub total: usize,
    /// Connections beyond these limits that still get one answer each, if it takes no waiting.
    pub overflow: usize,
    /// Time for a request's headers to arrive, and for an idle connection to be used again.
    pub header_timeout: Duration,
    /// Time for a request's body to arrive.
    pub body_timeout: Duration,
    /// Longest request head, in bytes.
    pub max_head: usize,
    /// What requests under way have left when the agent stops.
    pub drain: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            per_client: 200,
            total: 8192,
            overflow: 256,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            max_head: 64 * 1024,
            drain: Duration::from_secs(1),
        }
    }
}

#[derive(Debug, Default)]
struct Seats {
    full: HashMap<IpAddr, usize>,
    total: usize,
    overflow: usize,
}

/// Counts open connections by client address.
#[derive(Clone, Debug)]
pub struct Admissions {
    limits: HttpLimits,
    seats: Arc<Mutex<Seats>>,
}

impl Admissions {
    pub fn new(limits: HttpLimits) -> Self {
        Self { limits, seats: Arc::default() }
    }

    /// A seat for a new connection, past the limits one that must not be kept long; `None` past everything.
    /// IPv4 addresses count as themselves however the socket spells them.
    pub fn admit(&self, client: IpAddr) -> Option<Seat> {
        let client = client.to_canonical();
        let mut seats = lock(&self.seats);
        let held = seats.full.get(&client).copied().unwrap_or(0);
        if held < self.limits.per_client && seats.total < self.limits.total {
            seats.total += 1;
            *seats.full.entry(client).or_default() += 1;
            return Some(self.seat(Some(client)));
        }
        if seats.overflow < self.limits.overflow {
            seats.overflow += 1;
            return Some(self.seat(None));
        }
        None
    }

    fn seat(&self, client: Option<IpAddr>) -> Seat {
        Seat { client, seats: self.seats.clone() }
    }

    /// Connections open now, without those past the limits.
    #[cfg(test)]
    fn open(&self) -> usize {
        lock(&self.seats).total
    }
}

fn lock(seats: &Mutex<Seats>) -> MutexGuard<'_, Seats> {
    seats.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The place of one open connection; dropping it frees it.
#[derive(Debug)]
pub struct Seat {
    /// Absent for a seat past the limits.
    client: Option<IpAddr>,
    seats: Arc<Mutex<Seats>>,
}

impl Seat {
    /// One request that does not wait is answered on it, everything else is told to come later.
    pub fn is_overflow(&self) -> bool {
        self.client.is_none()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = lock(&self.seats);
        let Some(client) = self.client else {
            seats.overflow -= 1;
            return;
        };
        seats.total -= 1;
        let held = seats.full.entry(client).or_default();
        *held -= 1;
        if *held == 0 {
            seats.full.remove(&client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admissions(per_client: usize, total: usize, overflow: usize) -> Admissions {
        Admissions::new(HttpLimits { per_client, total, overflow, ..HttpLimits::default() })
    }

    #[test]
    fn one_client_cannot_take_the_seats_of_others() {
        let door = admissions(1, 10, 1);
        let (a, b) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let first = door.admit(a).unwrap();
        let over = door.admit("::ffff:10.0.0.1".parse().unwrap()).unwrap();
        assert!(!first.is_overflow() && over.is_overflow());
        assert!(door.admit(a).is_none());
        assert!(!door.admit(b).unwrap().is_overflow());
    }

    #[test]
    fn a_seat_is_free_again_when_its_connection_ends() {
        let door = admissions(1, 1, 0);
        let client = "10.0.0.1".parse().unwrap();
        drop(door.admit(client));
        let again = door.admit(client).unwrap();
        assert!(!again.is_overflow() && door.open() == 1);
        drop(again);
        assert!(door.open() == 0 && lock(&door.seats).full.is_empty());
    }
}
