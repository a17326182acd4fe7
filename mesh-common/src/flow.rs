/// How far one local connection has gone beside TCP: a value of the map `flow`, keyed by the connecting
/// [`crate::Tuple`]. Of each pair the first is the connecting end's, the second the accepting end's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Flow {
    /// Bytes handed over past TCP in the connection's life: nobody tells how many of them were read.
    pub moved: [u64; 2],
    /// Not 0: what this end writes goes by TCP for good.
    pub by_tcp: [u32; 2],
}

impl Flow {
    /// How many bytes one end may hand over past TCP, which has flow control where this has none: about what
    /// TCP itself would hold for a reader who never reads.
    pub const CREDIT: u64 = 4 * 1024 * 1024;
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
