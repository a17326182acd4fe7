use crate::ServiceNumber;

/// What the processes of one cgroup are: a value of the map `workload`, whose key is the cgroup's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Workload {
    pub service: ServiceNumber,
    reserved: u32,
}

impl Workload {
    #[must_use]
    pub const fn new(service: ServiceNumber) -> Self {
        Self { service, reserved: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Workload>(), align_of::<Workload>()), (8, 4));
        assert_eq!(offset_of!(Workload, service), 0);
    }
}
