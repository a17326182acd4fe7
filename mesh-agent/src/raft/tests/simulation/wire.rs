use crate::raft::message::{Envelope, Message};
use crate::raft::types::Entry;
use crate::raft::{RaftNode, Transport, TransportError};
use crate::task::TaskGroup;
use futures_util::future::BoxFuture;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

/// Joins servers of one process. Messages are lost, late, doubled and overtaken as the seed has it.
pub(super) struct Network(Mutex<Wires>);

struct Wires {
    random: StdRng,
    nodes: BTreeMap<String, Weak<RaftNode>>,
    /// Nothing goes from the first to the second, and nobody is told.
    cut: BTreeSet<(String, String)>,
    /// Of a hundred messages.
    lost: u32,
    doubled: u32,
    /// How long a message takes at most.
    delay: Duration,
    /// The checksum of each entry that was sent, by its leader's term, its leader and its place.
    entries: BTreeMap<(u64, u64, u64), u32>,
    violations: Vec<String>,
    /// Of all that was carried, so that two runs can be compared.
    checksum: u32,
    began: Instant,
    under_way: TaskGroup,
}

impl Wires {
    /// An entry is the same for ever.
    fn see(&mut self, entry: &Entry) {
        let place = (entry.log_id.leader_id.term, entry.log_id.leader_id.node_id, entry.log_id.index);
        let checksum = crc32c::crc32c(&rmp_serde::to_vec_named(entry).unwrap());
        if *self.entries.entry(place).or_insert(checksum) != checksum {
            self.violations.push(format!("{} is the name of two entries", entry.log_id));
        }
    }
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(Wires {
            random: StdRng::seed_from_u64(seed),
            nodes: BTreeMap::new(),
            cut: BTreeSet::new(),
            lost: 0,
            doubled: 0,
            delay: Duration::from_millis(5),
            entries: BTreeMap::new(),
            violations: Vec::new(),
            checksum: 0,
            began: Instant::now(),
            under_way: TaskGroup::new(),
        }))
    }

    fn wires(&self) -> MutexGuard<'_, Wires> {
        self.0.lock().unwrap()
    }

    pub(super) fn connect(&self, address: &str, node: &Arc<RaftNode>) {
        self.wires().nodes.insert(address.to_owned(), Arc::downgrade(node));
    }

    pub(super) fn disconnect(&self, address: &str) {
        self.wires().nodes.remove(address);
    }

    pub(super) fn cut(&self, from: &str, to: &str) {
        self.wires().cut.insert((from.to_owned(), to.to_owned()));
    }

    pub(super) fn heal(&self) {
        let mut wires = self.wires();
        wires.cut.clear();
        (wires.lost, wires.doubled, wires.delay) = (0, 0, Duration::from_millis(5));
    }

    /// Of a hundred messages so many are lost and so many come twice; the slowest takes so long.
    pub(super) fn spoil(&self, lost: u32, doubled: u32, delay: Duration) {
        let mut wires = self.wires();
        (wires.lost, wires.doubled, wires.delay) = (lost, doubled, delay);
    }

    pub(super) fn violations(&self) -> Vec<String> {
        self.wires().violations.clone()
    }

    pub(super) fn checksum(&self) -> u32 {
        self.wires().checksum
    }

    /// After how long it arrives, as often as it does.
    fn route(&self, from: &str, to: &str) -> Vec<Duration> {
        let mut wires = self.wires();
        let Wires { lost, doubled, delay, .. } = *wires;
        if wires.random.random_range(0..100) < lost || wires.is_cut(from, to) {
            return Vec::new();
        }
        let copies = if wires.random.random_range(0..100) < doubled { 2 } else { 1 };
        (0..copies).map(|_| wires.random.random_range(Duration::ZERO..=delay)).collect()
    }

    fn note(&self, from: &str, to: &str, message: &[u8]) {
        let mut wires = self.wires();
        let at = wires.began.elapsed().as_millis();
        let line = format!("{at} {from} {to} {}", crc32c::crc32c(message));
        wires.checksum = crc32c::crc32c_append(wires.checksum, line.as_bytes());
        let Ok(Envelope { message: Message::Append(request), .. }) = rmp_serde::from_slice(message) else {
            return;
        };
        for entry in request.entries {
            wires.see(&entry);
        }
    }

    async fn deliver(&self, from: &str, to: &str, message: &[u8], after: Duration) -> Option<Vec<u8>> {
        sleep(after).await;
        if self.wires().is_cut(from, to) {
            return None;
        }
        self.note(from, to, message);
        let node = self.wires().nodes.get(to).and_then(Weak::upgrade)?;
        node.answer(message).await.ok()
    }
}

impl Wires {
    fn is_cut(&self, from: &str, to: &str) -> bool {
        self.cut.contains(&(from.to_owned(), to.to_owned()))
    }
}

/// One server's way to the others, until its power fails.
pub(super) struct Wire {
    pub(super) network: Arc<Network>,
    pub(super) from: String,
    pub(super) alive: Arc<AtomicBool>,
}

impl Wire {
    /// What is under way arrives, whether or not somebody still waits for the answer.
    fn post(&self, to: &str, message: Vec<u8>) -> oneshot::Receiver<Vec<u8>> {
        let (answer, answered) = oneshot::channel();
        let (answer, message) = (Arc::new(Mutex::new(Some(answer))), Arc::new(message));
        for after in self.network.route(&self.from, to) {
            let (network, answer, message) = (self.network.clone(), answer.clone(), message.clone());
            let (from, to) = (self.from.clone(), to.to_owned());
            let carry = async move {
                let Some(reply) = network.deliver(&from, &to, &message, after).await else { return };
                for after in network.route(&to, &from) {
                    sleep(after).await;
                    if let Some(answer) = answer.lock().unwrap().take() {
                        let _ = answer.send(reply.clone());
                    }
                }
            };
            let mut wires = self.network.wires();
            wires.under_way.reap();
            wires.under_way.spawn("message", carry);
        }
        answered
    }
}

impl Transport for Wire {
    fn send<'a>(
        &'a self,
        address: &'a str,
        message: Vec<u8>,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        let failed = |reason: &str| TransportError { address: address.to_owned(), reason: reason.to_owned() };
        Box::pin(async move {
            let until = Instant::now() + deadline;
            if self.alive.load(Ordering::Relaxed)
                && let Ok(Ok(answer)) = timeout(deadline, self.post(address, message)).await
                && self.alive.load(Ordering::Relaxed)
            {
                return Ok(answer);
            }
            // What is lost is lost without a word.
            tokio::time::sleep_until(until).await;
            Err(failed("no answer"))
        })
    }
}
