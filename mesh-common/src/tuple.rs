use crate::Endpoint;

/// One end of a TCP connection, as its owner sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Tuple {
    /// The cookie of the network namespace: two of them can hold the same addresses at once.
    pub namespace: u64,
    pub local: Endpoint,
    pub remote: Endpoint,
}

impl Tuple {
    /// The other end of a connection that stays in one network namespace.
    #[inline(always)]
    #[must_use]
    pub const fn other_end(self) -> Self {
        Self { namespace: self.namespace, local: self.remote, remote: self.local }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Tuple>(), align_of::<Tuple>()), (48, 8));
        assert_eq!((offset_of!(Tuple, local), offset_of!(Tuple, remote)), (8, 28));
    }

    #[test]
    fn the_other_end_of_the_other_end_is_itself() {
        let tuple =
            Tuple { namespace: 7, local: Endpoint::from_wire_v4(1, 2), remote: Endpoint::from_wire_v4(3, 4) };
        assert_ne!(tuple.other_end(), tuple);
        assert_eq!(tuple.other_end().other_end(), tuple);
    }
}
