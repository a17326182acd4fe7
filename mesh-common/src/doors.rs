/// Where the agent listens in one network namespace: a value of the map `doors`, keyed by the namespace's cookie.
/// Ports are in network order, 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Doors {
    /// Leg F, at 127.0.0.1.
    pub leg_v4: u16,
    /// Leg F, at `::1`.
    pub leg_v6: u16,
    /// Who asks for names, at 127.0.0.1.
    pub names_v4: u16,
    /// Who asks for names, at `::1`.
    pub names_v6: u16,
}

impl Doors {
    /// The port of leg F for the family.
    #[inline(always)]
    #[must_use]
    pub const fn leg(self, v4: bool) -> u16 {
        if v4 { self.leg_v4 } else { self.leg_v6 }
    }

    /// The port for those who ask for names by the family.
    #[inline(always)]
    #[must_use]
    pub const fn names(self, v4: bool) -> u16 {
        if v4 { self.names_v4 } else { self.names_v6 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Doors>(), align_of::<Doors>()), (8, 2));
        let offsets = (offset_of!(Doors, leg_v6), offset_of!(Doors, names_v4), offset_of!(Doors, names_v6));
        assert_eq!(offsets, (2, 4, 6));
    }

    #[test]
    fn each_family_has_its_own() {
        let doors = Doors { leg_v4: 1, leg_v6: 2, names_v4: 3, names_v6: 4 };
        assert_eq!([doors.leg(true), doors.leg(false), doors.names(true), doors.names(false)], [1, 2, 3, 4]);
    }
}
