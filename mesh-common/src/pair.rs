use crate::ServiceNumber;

/// A key of the map `intent`, whose value is an [`crate::Action`] as a number; [`crate::ANY`] is the wildcard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct Pair {
    pub source: ServiceNumber,
    pub destination: ServiceNumber,
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Pair>(), align_of::<Pair>()), (8, 4));
        assert_eq!((offset_of!(Pair, source), offset_of!(Pair, destination)), (0, 4));
    }
}
