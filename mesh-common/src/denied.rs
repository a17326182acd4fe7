use crate::{Endpoint, ServiceNumber};

/// A connect that an intention forbade: an event of the ring buffer `events`, which drops what does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Denied {
    /// The caller's cgroup.
    pub cgroup: u64,
    /// The caller's process, as the first pid namespace numbers it.
    pub process: u32,
    pub source: ServiceNumber,
    pub destination: ServiceNumber,
    /// Where it wanted to go.
    pub endpoint: Endpoint,
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Denied>(), align_of::<Denied>()), (40, 8));
        let offsets = (offset_of!(Denied, process), offset_of!(Denied, source), offset_of!(Denied, endpoint));
        assert_eq!(offsets, (8, 12, 20));
    }
}
