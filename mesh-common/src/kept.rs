use crate::Origin;

/// What the programs keep on a socket, for as long as it lives. It is one value, since the kernel allocates
/// each apart: that is what costs most in a connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Kept {
    /// The cgroup that made the socket; 0 where that is not known.
    pub maker: u64,
    /// Where its application wanted to go; of no path while the mesh has no part in that.
    pub asked: Origin,
}

impl Kept {
    /// Where its application wanted to go, if the mesh has a part in that.
    #[inline(always)]
    #[must_use]
    pub const fn asked(self) -> Option<Origin> {
        if self.asked.path == 0 { None } else { Some(self.asked) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Kept>(), align_of::<Kept>()), (40, 8));
        assert_eq!(offset_of!(Kept, asked), 8);
    }

    #[test]
    fn nothing_was_asked_of_a_socket_that_was_only_made() {
        let made = Kept { maker: 7, ..Kept::default() };
        assert_eq!(made.asked(), None);
        let asked = Origin { path: Origin::AGENT, ..Origin::default() };
        assert_eq!(Kept { asked, ..made }.asked(), Some(asked));
    }
}
