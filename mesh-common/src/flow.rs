/// How far one local connection has gone beside TCP: a value of the map `flow`, keyed by the connecting
/// [`crate::Tuple`]. Of each pair the first is the connecting end's, the second the accepting end's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Flow {
    /// Bytes moved past TCP that the reader is not known to have taken.
    pub unread: [u64; 2],
    /// Not 0: what this end writes goes by TCP for good.
    pub by_tcp: [u32; 2],
}

impl Flow {
    /// How many bytes may be on their way past TCP, which has flow control where this has none.
    pub const CREDIT: u64 = 256 * 1024;
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Flow>(), align_of::<Flow>()), (24, 8));
        assert_eq!(offset_of!(Flow, by_tcp), 16);
    }
}
