/// A key of the map `strict`: the listening sockets of one cgroup at one port, which accept only what
/// comes through the mesh. The value is the service's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct StrictPort {
    pub cgroup: u64,
    /// In network order.
    pub port: u16,
    reserved: [u16; 3],
}

impl StrictPort {
    /// `port` in network order.
    #[inline(always)]
    #[must_use]
    pub const fn new(cgroup: u64, port: u16) -> Self {
        Self { cgroup, port, reserved: [0; 3] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<StrictPort>(), align_of::<StrictPort>()), (16, 8));
        assert_eq!((offset_of!(StrictPort, port), offset_of!(StrictPort, reserved)), (8, 10));
    }
}
