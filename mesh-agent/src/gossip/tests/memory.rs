use super::network::Faults;
use crate::gossip::Transport;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A network inside this process.
#[derive(Clone)]
pub struct Memory(Arc<Mutex<Shared>>);

struct Shared {
    faults: Faults,
    rng: StdRng,
    sockets: BTreeMap<SocketAddr, mpsc::Sender<Datagram>>,
}

struct Datagram {
    at: Instant,
    from: SocketAddr,
    bytes: Vec<u8>,
}

/// One socket of it.
pub struct MemoryTransport {
    network: Memory,
    address: SocketAddr,
    arriving: mpsc::Receiver<Datagram>,
    /// By when they arrive.
    queue: BTreeMap<(Instant, u64), Datagram>,
    serial: u64,
}

impl Memory {
    pub fn new(seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Self(Arc::new(Mutex::new(Shared { faults: Faults::default(), rng, sockets: BTreeMap::new() })))
    }

    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.0.lock().unwrap().faults);
    }

    /// As a socket of the system: one that is bound to the address already is deaf from now on.
    pub fn bind(&self, address: SocketAddr) -> MemoryTransport {
        let (sender, arriving) = mpsc::channel(1024);
        self.0.lock().unwrap().sockets.insert(address, sender);
        MemoryTransport { network: self.clone(), address, arriving, queue: BTreeMap::new(), serial: 0 }
    }
}

impl MemoryTransport {
    fn sort_in(&mut self, datagram: Datagram) {
        self.serial += 1;
        self.queue.insert((datagram.at, self.serial), datagram);
    }

    fn arrived(&mut self) -> Option<Datagram> {
        while let Ok(datagram) = self.arriving.try_recv() {
            self.sort_in(datagram);
        }
        let first = self.queue.first_entry()?;
        (first.key().0 <= Instant::now()).then(|| first.remove())
    }
}

impl Transport for MemoryTransport {
    fn send(&self, to: SocketAddr, datagram: &[u8]) {
        let shared = &mut *self.network.0.lock().unwrap();
        let Some(socket) = shared.sockets.get(&to) else { return };
        for delay in shared.faults.route(&mut shared.rng, self.address, to) {
            let (at, from, bytes) = (Instant::now() + delay, self.address, datagram.to_vec());
            // A full queue loses, as the system's does.
            let _ = socket.try_send(Datagram { at, from, bytes });
        }
    }

    async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        loop {
            if let Some(received) = self.try_receive(buffer) {
                return Ok(received);
            }
            let next = self.queue.keys().next().map(|(at, _)| *at);
            let sleep = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(datagram) = self.arriving.recv() => self.sort_in(datagram),
                () = sleep => {}
            }
        }
    }

    fn try_receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let Datagram { from, bytes, .. } = self.arrived()?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Some((bytes.len(), from))
    }
}
