use crate::Tuple;

/// How far one end of a local connection has gone beside TCP. It lies on the end's own socket, and is gone with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Flow {
    /// The other end, as the map `sockets` knows it.
    pub peer: Tuple,
    /// Bytes handed over past TCP in the connection's life.
    pub moved: u64,
    /// How many of them the other end's application has read, for all that this end has heard.
    pub heard: u64,
    /// Where the kernel keeps the other end's socket, as a number. 0 where that is not known.
    pub reader: u64,
    /// Not 0: what this end writes goes by TCP for good.
    pub by_tcp: u32,
    reserved: u32,
}

impl Flow {
    /// How many bytes one end may hand over past TCP that nobody is known to have read, since this way has no flow
    /// control: about what TCP itself would hold for a reader who never reads.
    pub const CREDIT: u64 = 4 * 1024 * 1024;

    /// From so many on it is asked, at each message, whether all was read. There is room for many a message then, because
    /// who writes something in pieces finds the reader's queue empty before the first piece only.
    const ASK: u64 = Self::CREDIT / 2;

    /// A message that is larger goes past TCP only within the first credit: TCP carries bulk faster.
    pub const SMALL: u64 = 16 * 1024;

    /// Nothing has gone there yet.
    #[inline(always)]
    #[must_use]
    pub const fn to(peer: Tuple) -> Self {
        Self { peer, moved: 0, heard: 0, reader: 0, by_tcp: 0, reserved: 0 }
    }

    /// Whether a message of this size may be handed over, for all that this end has heard.
    #[inline(always)]
    #[must_use]
    pub const fn has_room(&self, size: u64) -> bool {
        self.unheard(size) <= Self::CREDIT
    }

    /// Whether it is time to find out what was read, before a message of this size. Bulk is not worth it.
    #[inline(always)]
    #[must_use]
    pub const fn asks(&self, size: u64) -> bool {
        size <= Self::SMALL && self.unheard(size) > Self::ASK
    }

    #[inline(always)]
    const fn unheard(&self, size: u64) -> u64 {
        self.moved.saturating_sub(self.heard) + size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Flow>(), align_of::<Flow>()), (80, 8));
        let offsets = (
            offset_of!(Flow, moved),
            offset_of!(Flow, heard),
            offset_of!(Flow, reader),
            offset_of!(Flow, by_tcp),
            offset_of!(Flow, reserved),
        );
        assert_eq!(offsets, (48, 56, 64, 72, 76));
    }

    #[test]
    fn what_was_read_makes_room_again_and_nothing_else_does() {
        let used_up = Flow { moved: Flow::CREDIT, ..Flow::default() };
        assert!(Flow::default().has_room(Flow::CREDIT) && !Flow::default().has_room(Flow::CREDIT + 1));
        assert!(!used_up.has_room(1));
        assert!(Flow { heard: 1, ..used_up }.has_room(1));
        assert!(!Flow { heard: 1, ..used_up }.has_room(2));
    }

    #[test]
    fn small_messages_ask_what_was_read_once_half_the_credit_is_used() {
        let flow = |moved| Flow { moved, ..Flow::default() };
        assert!(!flow(0).asks(1) && !flow(Flow::ASK - 1).asks(1) && flow(Flow::ASK).asks(1));
        assert!(flow(Flow::CREDIT).asks(Flow::SMALL) && !flow(Flow::CREDIT).asks(Flow::SMALL + 1));
        assert!(!Flow { heard: Flow::ASK + 1, ..flow(Flow::CREDIT) }.asks(1));
    }
}
