use super::buffer::{Buffer, missing};
use super::context::Context;
use super::counters::add;
use super::handover::Handover;
use super::handshake::Connection;
use super::leg::{Leg, Received};
use super::records::{DATA, RecordError, Records};
use std::time::{Duration, Instant};

/// Rounds of one direction before others get their turn.
const BURST: usize = 4;

/// How long until the kernel may have queued what it has sealed; each time twice as long, up to the longest.
const RETRY: Duration = Duration::from_millis(5);
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// One direction.
#[derive(Default)]
struct Flow {
    /// Present only while bytes wait.
    buffer: Option<Box<Buffer>>,
    /// The source has ended.
    ended: bool,
    /// … and the sink was told.
    told: bool,
}

/// Where a relay stands after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Until a socket changes.
    Waiting,
    /// There is more to do; others first.
    Unfinished,
    /// Both directions have ended.
    Finished,
}

/// The copy loop of an authorized connection: plaintext on one leg, records on the other.
pub(super) struct Relay {
    records: Records,
    up: Flow,
    down: Flow,
    /// Records arrived with the handshake and have not been looked at.
    unseen: bool,
    /// What may still go to the kernel.
    handover: Option<Box<Handover>>,
    /// When to try again to tell the peer of the end, and how long to wait the next time.
    retry: Option<Instant>,
    patience: Duration,
}

impl Relay {
    /// `behind` is what the peer sent behind its handshake.
    pub fn new(connection: Connection, behind: &[u8], context: &mut Context) -> Result<Self, RecordError> {
        let kernel = context.options.ktls;
        let mut relay = Self {
            records: Records::new(connection, kernel, context.options.records_per_key)?,
            up: Flow::default(),
            down: Flow::default(),
            unseen: false,
            handover: kernel.map(|kernel| Box::new(Handover::new(kernel.gate))),
            retry: None,
            patience: RETRY,
        };
        if !behind.is_empty() {
            let mut buffer = context.pool.take();
            let unopened = buffer.unopened.start..buffer.unopened.start + behind.len();
            let room = buffer.bytes.get_mut(unopened.clone()).ok_or(RecordError::TooLong)?;
            room.copy_from_slice(behind);
            buffer.unopened = unopened;
            relay.down.buffer = Some(buffer);
            relay.unseen = true;
        }
        Ok(relay)
    }

    /// Moves what can be moved.
    pub fn advance(
        &mut self,
        app: &mut Leg,
        peer: &mut Leg,
        context: &mut Context,
    ) -> Result<Turn, RecordError> {
        for leg in [&mut *app, &mut *peer] {
            if let Some(error) = leg.take_error() {
                return Err(error.into());
            }
        }
        let up = self.advance_up(app, peer, context)?;
        let down = self.advance_down(app, peer, context)?;
        self.up.rest(context);
        self.down.rest(context);
        Ok(match (up || down, self.up.told && self.down.told) {
            (_, true) => Turn::Finished,
            (true, _) => Turn::Unfinished,
            _ => Turn::Waiting,
        })
    }

    /// From the application to the peer. True when it stopped only to give way.
    fn advance_up(
        &mut self,
        app: &mut Leg,
        peer: &mut Leg,
        context: &mut Context,
    ) -> Result<bool, RecordError> {
        for _ in 0..BURST {
            if !self.flush_up(peer, context)? || self.up.ended || !app.readable() {
                return Ok(false);
            }
            if let Some(handover) = &mut self.handover {
                handover.sending(&mut self.records, peer, context);
            }
            if !self.records.prepare(peer)? {
                return Ok(false);
            }
            let mut buffer = context.pool.take();
            let received = self.records.seal_from(app, &mut buffer);
            self.up.buffer = Some(buffer);
            match received? {
                Received::Bytes(count) => {
                    add(&context.counters.bytes_to_peers, count);
                    self.carried(count);
                }
                Received::End => self.up.ended = true,
                Received::NotNow => {}
            }
        }
        Ok(self.flush_up(peer, context)? && app.readable() && !self.up.ended)
    }

    /// Writes what is ready; true when nothing of it is left.
    fn flush_up(&mut self, peer: &mut Leg, context: &mut Context) -> Result<bool, RecordError> {
        if !self.up.flush(peer, context)? {
            return Ok(false);
        }
        if self.up.ended && !self.up.told {
            self.up.told = self.records.end(peer)?;
            self.retry = (!self.up.told).then(|| Instant::now() + self.patience);
            self.patience = (self.patience * 2).min(LONGEST_RETRY);
        }
        Ok(true)
    }

    /// When it wants to go on though no socket changes.
    pub fn retry(&self) -> Option<Instant> {
        self.retry
    }

    fn carried(&mut self, count: usize) {
        if let Some(handover) = &mut self.handover {
            handover.carried(count);
        }
    }

    /// From the peer to the application. True when it stopped only to give way.
    fn advance_down(
        &mut self,
        app: &mut Leg,
        peer: &mut Leg,
        context: &mut Context,
    ) -> Result<bool, RecordError> {
        for _ in 0..BURST {
            if !self.flush_down(app, context)? || self.down.ended || !(peer.readable() || self.unseen) {
                return Ok(false);
            }
            let between = self.down.buffer.is_none() && !self.unseen;
            if let Some(handover) = self.handover.as_mut().filter(|_| between) {
                handover.receiving(&mut self.records, peer, context);
            }
            if self.records.kernel_receives() {
                self.take_opened(peer, context)?;
            } else {
                self.receive(peer, context)?;
            }
        }
        Ok(self.flush_down(app, context)? && peer.readable() && !self.down.ended)
    }

    /// Writes what is ready; true when nothing of it is left.
    fn flush_down(&mut self, app: &mut Leg, context: &mut Context) -> Result<bool, RecordError> {
        if !self.down.flush(app, context)? {
            return Ok(false);
        }
        if self.down.ended && !self.down.told {
            app.end_writing()?;
            self.down.told = true;
        }
        Ok(true)
    }

    /// Reads what the kernel has opened.
    fn take_opened(&mut self, peer: &mut Leg, context: &mut Context) -> Result<(), RecordError> {
        let buffer = self.down.buffer.insert(context.pool.take());
        let Some(record) = peer.receive_record(&mut buffer.bytes)? else { return Ok(()) };
        if record.len == 0 {
            return Err(RecordError::Truncated);
        }
        self.down.ended = self.records.opened(record.kind, &buffer.bytes[..record.len], peer)?;
        if record.kind == DATA {
            buffer.push(0..record.len);
            add(&context.counters.bytes_to_apps, record.len);
        }
        Ok(())
    }

    /// Reads records and opens the whole ones.
    fn receive(&mut self, peer: &mut Leg, context: &mut Context) -> Result<(), RecordError> {
        let mut buffer = context.pool.take_with(self.down.buffer.take());
        let end = buffer.unopened.end;
        let room = self.room(&buffer);
        let received = if peer.readable() && room > 0 {
            peer.read(&mut buffer.bytes[end..end + room])?
        } else {
            Received::NotNow
        };
        if let Received::Bytes(count) = received {
            buffer.unopened.end += count;
        }
        self.unseen = false;
        self.down.ended = self.records.open(&mut buffer)?;
        if received == Received::End && !self.down.ended {
            return Err(RecordError::Truncated);
        }
        if self.down.ended {
            buffer.unopened.start = buffer.unopened.end; // Nothing counts behind the closing alert.
        }
        add(&context.counters.bytes_to_apps, buffer.ready());
        self.carried(buffer.ready());
        self.down.buffer = Some(buffer);
        Ok(())
    }

    /// How much to read: all that fits, or, where the kernel is to open what comes next, no more than the record
    /// that has begun.
    fn room(&self, buffer: &Buffer) -> usize {
        let room = buffer.bytes.len() - buffer.unopened.end;
        match &self.handover {
            Some(handover) if handover.wants_receiving(&self.records) => {
                missing(&buffer.bytes[buffer.unopened.clone()]).min(room)
            }
            _ => room,
        }
    }
}

impl Flow {
    /// Writes what is ready; true when nothing of it is left.
    fn flush(&mut self, sink: &mut Leg, context: &mut Context) -> Result<bool, RecordError> {
        if let Some(buffer) = &mut self.buffer {
            buffer.write_to(sink)?;
            if buffer.has_ready() {
                return Ok(false);
            }
            if buffer.is_empty() {
                context.give_back(&mut self.buffer);
            }
        }
        Ok(true)
    }

    /// Keeps no more memory than what waits needs.
    fn rest(&mut self, context: &mut Context) {
        self.buffer = self.buffer.take().and_then(|buffer| context.pool.shrink(buffer));
    }
}
