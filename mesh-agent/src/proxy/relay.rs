use super::buffer::Buffer;
use super::context::Context;
use super::counters::add;
use super::handshake::Connection;
use super::leg::{Leg, Received};
use super::records::{RecordError, Records};

/// Rounds of one direction before others get their turn.
const BURST: usize = 4;

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
}

impl Relay {
    /// `behind` is what the peer sent behind its handshake.
    pub fn new(connection: Connection, behind: &[u8], context: &mut Context) -> Result<Self, RecordError> {
        let mut relay = Self {
            records: Records::new(connection)?,
            up: Flow::default(),
            down: Flow::default(),
            unseen: false,
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
            if !self.up.flush(peer, context)? || self.up.ended || !app.readable() {
                return Ok(false);
            }
            let mut buffer = context.pool.take();
            let received = self.records.seal_from(app, &mut context.scratch, &mut buffer);
            self.up.buffer = Some(buffer);
            match received? {
                Received::Bytes(count) => add(&context.counters.bytes_to_peers, count),
                Received::End => self.up.ended = true,
                Received::NotNow => {}
            }
        }
        Ok(self.up.flush(peer, context)? && app.readable() && !self.up.ended)
    }

    /// From the peer to the application. True when it stopped only to give way.
    fn advance_down(
        &mut self,
        app: &mut Leg,
        peer: &mut Leg,
        context: &mut Context,
    ) -> Result<bool, RecordError> {
        for _ in 0..BURST {
            let blocked = !self.down.flush(app, context)? || self.down.ended;
            if blocked || !(peer.readable() || self.unseen) {
                return Ok(false);
            }
            self.receive(peer, context)?;
        }
        Ok(self.down.flush(app, context)? && peer.readable() && !self.down.ended)
    }

    /// Reads records and opens the whole ones.
    fn receive(&mut self, peer: &mut Leg, context: &mut Context) -> Result<(), RecordError> {
        let mut buffer = context.pool.take_with(self.down.buffer.take());
        let end = buffer.unopened.end;
        let received = if peer.readable() { peer.read(&mut buffer.bytes[end..])? } else { Received::NotNow };
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
        self.down.buffer = Some(buffer);
        Ok(())
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
        if self.ended && !self.told {
            sink.end_writing()?;
            self.told = true;
        }
        Ok(true)
    }

    /// Keeps no more memory than what waits needs.
    fn rest(&mut self, context: &mut Context) {
        self.buffer = self.buffer.take().and_then(|buffer| context.pool.shrink(buffer));
    }
}
