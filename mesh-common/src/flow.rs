use crate::Tuple;

/// How far one end of a local connection has gone beside TCP. It lies on the end's own socket, and is gone with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Flow {
    /// The other end, as the map `sockets` knows it.
    pub peer: Tuple,
    /// Bytes handed over past TCP in the connection's life: nobody tells how many of them were read.
    pub moved: u64,
    /// Not 0: what this end writes goes by TCP for good.
    pub by_tcp: u32,
    reserved: u32,
}

impl Flow {
    /// How many bytes one end may hand over past TCP, which has flow control where this has none: about what
    /// TCP itself would hold for a reader who never reads.
    pub const CREDIT: u64 = 4 * 1024 * 1024;

    /// Nothing has gone there yet.
    #[inline(always)]
    #[must_use]
    pub const fn to(peer: Tuple) -> Self {
        Self { peer, moved: 0, by_tcp: 0, reserved: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Flow>(), align_of::<Flow>()), (64, 8));
        let offsets = (offset_of!(Flow, moved), offset_of!(Flow, by_tcp), offset_of!(Flow, reserved));
        assert_eq!(offsets, (48, 56, 60));
    }
}
