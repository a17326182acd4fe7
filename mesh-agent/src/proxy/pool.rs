use super::buffer::{Buffer, Lease, SLOT};
use std::sync::Arc;

/// Records that a large buffer holds, a mebibyte: large enough that a wake-up is paid for by many bytes, small
/// enough for the second-level cache.
pub(super) const RECORDS: usize = 64;
const LARGE: usize = RECORDS * SLOT;
/// Two records: what a connection may hold for long.
const SMALL: usize = 2 * SLOT;
/// Large buffers that one worker lends at a time; beyond them connections get small ones.
const LARGE_LENT: usize = 32;
/// Buffers kept for the next taker, of each kind.
const KEPT: usize = 4;

/// One worker's buffers. A connection holds one only while bytes wait in it, so an idle one holds none, and
/// one whose reader has stalled soon holds a small one.
#[expect(clippy::vec_box, reason = "connections keep the box: one without a buffer pays for a pointer")]
#[derive(Default)]
pub(super) struct Pool {
    large: Vec<Box<Buffer>>,
    small: Vec<Box<Buffer>>,
    lent: Lease,
}

impl Pool {
    /// An empty buffer: large while there are any to lend.
    pub fn take(&mut self) -> Box<Buffer> {
        if self.large_lent() >= LARGE_LENT {
            return self.take_small();
        }
        let mut buffer = self.large.pop().unwrap_or_else(|| Buffer::new(LARGE));
        buffer.lease = Some(self.lent.clone());
        buffer
    }

    fn large_lent(&self) -> usize {
        Arc::strong_count(&self.lent) - 1
    }

    fn take_small(&mut self) -> Box<Buffer> {
        self.small.pop().unwrap_or_else(|| Buffer::new(SMALL))
    }

    pub fn give(&mut self, mut buffer: Box<Buffer>) {
        buffer.clear();
        buffer.lease = None;
        let kept = if buffer.bytes.len() == LARGE { &mut self.large } else { &mut self.small };
        if kept.len() < KEPT {
            kept.push(buffer);
        }
    }

    /// A buffer to receive into that starts with the records which `held` has.
    pub fn take_with(&mut self, held: Option<Box<Buffer>>) -> Box<Buffer> {
        let Some(mut held) = held else { return self.take() };
        if held.bytes.len() == LARGE || self.large_lent() >= LARGE_LENT {
            held.settle();
            return held;
        }
        let mut large = self.take();
        large.adopt(&held);
        self.give(held);
        large
    }

    /// What a connection keeps while it waits: the same bytes, in a small buffer if they fit.
    pub fn shrink(&mut self, buffer: Box<Buffer>) -> Option<Box<Buffer>> {
        if buffer.is_empty() {
            self.give(buffer);
            return None;
        }
        if buffer.bytes.len() != LARGE {
            return Some(buffer);
        }
        let mut small = self.take_small();
        if !small.can_adopt(&buffer) {
            self.give(small);
            return Some(buffer);
        }
        small.adopt(&buffer);
        self.give(buffer);
        Some(small)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_connection_keeps_a_small_buffer_when_its_bytes_fit() {
        let mut pool = Pool::default();
        let mut buffer = pool.take();
        buffer.unopened = 0..100;
        let kept = pool.shrink(buffer).unwrap();
        assert_eq!(kept.bytes.len(), SMALL);
        assert_eq!(kept.unopened.len(), 100);
        let back = pool.take_with(Some(kept));
        assert_eq!((back.bytes.len(), back.unopened.len()), (LARGE, 100));
        assert!(pool.shrink(Buffer::new(SMALL)).is_none());
    }

    #[test]
    fn past_its_budget_the_pool_lends_small_buffers() {
        let mut pool = Pool::default();
        let lent: Vec<_> = (0..=LARGE_LENT).map(|_| pool.take()).collect();
        assert!(lent[..LARGE_LENT].iter().all(|buffer| buffer.bytes.len() == LARGE));
        assert_eq!(lent[LARGE_LENT].bytes.len(), SMALL);
        lent.into_iter().for_each(|buffer| pool.give(buffer));
        assert_eq!(pool.take().bytes.len(), LARGE);
    }

    #[test]
    fn what_ends_with_its_connection_is_lent_no_more() {
        let mut pool = Pool::default();
        drop((0..LARGE_LENT).map(|_| pool.take()).collect::<Vec<_>>());
        assert_eq!(pool.take().bytes.len(), LARGE);
    }
}
