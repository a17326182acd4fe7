use super::context::Context;
use super::counters::{Counters, add};
use super::ktls::{Carried, Gate};
use super::leg::Leg;
use super::records::Records;
use std::io;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

/// When a connection's records go to the kernel, each way by itself: once it is worth it, and where nothing of that way
/// is under way.
pub(super) struct Handover {
    gate: Gate,
    begun: Instant,
    carried: Carried,
    open: bool,
    /// The kernel has refused: it is not asked again.
    refused: bool,
}

impl Handover {
    pub fn new(gate: Gate) -> Self {
        Self {
            gate,
            begun: Instant::now(),
            carried: Carried::default(),
            open: gate == Gate::OPEN,
            refused: false,
        }
    }

    /// So many bytes went through in one piece.
    pub fn carried(&mut self, count: usize) {
        if !self.open {
            self.carried.add(count);
            self.open = self.gate.is_open(self.carried, || self.begun.elapsed());
        }
    }

    /// Whether the kernel is to open what is received next.
    pub fn wants_receiving(&self, records: &Records) -> bool {
        self.open && !self.refused && records.may_hand_over().1
    }

    /// Nothing waits to be sent.
    pub fn sending(&mut self, records: &mut Records, peer: &Leg, context: &Context) {
        if self.open && !self.refused && records.may_hand_over().0 {
            let done = records.hand_over_sending(peer);
            self.done(done, &context.counters, &context.counters.ktls_sending);
        }
    }

    /// No record has begun.
    pub fn receiving(&mut self, records: &mut Records, peer: &mut Leg, context: &Context) {
        if self.wants_receiving(records) {
            let done = records.hand_over_receiving(peer);
            self.done(done, &context.counters, &context.counters.ktls_receiving);
        }
    }

    fn done(&mut self, done: io::Result<()>, counters: &Counters, counter: &AtomicU64) {
        match done {
            Ok(()) => add(counter, 1),
            // Acknowledgements came in between: the next bytes are another occasion.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.refused = true;
                add(&counters.ktls_refused, 1);
                tracing::debug!(%error, "the kernel does not take over a connection's records; the agent goes on with them");
            }
        }
    }
}
