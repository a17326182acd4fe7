use crate::{Endpoint, Origin, ServiceNumber};

/// Where an address of the mesh leads: a value of the map `dest`, whose key is an [`Endpoint`] (port 0:
/// the address at every port that has no entry of its own).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Destination {
    /// The cookie of the network namespace that `server` is valid in; 0 where it is valid in every one.
    pub namespace: u64,
    pub service: ServiceNumber,
    /// A sum of the constants below.
    pub flags: u32,
    /// The server's own socket: on this host, or with [`Self::ELSEWHERE`] on another; [`Endpoint::is_none`] where
    /// none is known.
    pub server: Endpoint,
    reserved: u32,
}

impl Destination {
    /// The address exists inside the mesh only: nobody outside it could answer.
    pub const VIRTUAL: u32 = 1;
    /// The server refuses whatever does not come through the mesh.
    pub const STRICT: u32 = 1 << 1;
    /// The address means this in `namespace` alone, and is no way into the mesh: a strict server's own.
    pub const HERE: u32 = 1 << 2;
    /// `sk_msg` may move bytes between the client and the server.
    pub const FAST: u32 = 1 << 3;
    /// Where no agent is there to bring them, clients may go by themselves, without TLS.
    pub const OPEN: u32 = 1 << 4;
    /// `server` is on another host.
    pub const ELSEWHERE: u32 = 1 << 5;

    /// A service that the agent reaches.
    #[must_use]
    pub const fn remote(service: ServiceNumber, flags: u32) -> Self {
        Self { namespace: 0, service, flags, server: Endpoint::from_wire([0; 4], 0), reserved: 0 }
    }

    /// A service with a server on this host, or with [`Self::ELSEWHERE`] on another; `namespace` as in the field.
    #[must_use]
    pub const fn local(service: ServiceNumber, flags: u32, server: Endpoint, namespace: u64) -> Self {
        Self { namespace, service, flags, server, reserved: 0 }
    }

    /// A strict server's own address, in the network namespace of that cookie.
    #[must_use]
    pub const fn guarded(service: ServiceNumber, namespace: u64) -> Self {
        Self { namespace, ..Self::remote(service, Self::STRICT | Self::HERE) }
    }

    /// The path of a connection that is sent straight to the server.
    #[inline(always)]
    #[must_use]
    pub const fn straight_path(self) -> u32 {
        let guarded = if self.has(Self::STRICT) { Origin::GUARDED } else { 0 };
        let fast = if self.has(Self::FAST) { Origin::FAST } else { 0 };
        Origin::SERVER | guarded | fast
    }

    #[inline(always)]
    #[must_use]
    pub const fn has(self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Whether a client of that network namespace may be sent straight to the server.
    #[inline(always)]
    #[must_use]
    pub const fn is_local_to(self, namespace: u64) -> bool {
        !self.has(Self::ELSEWHERE)
            && !self.server.is_none()
            && (self.namespace == 0 || self.namespace == namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Destination>(), align_of::<Destination>()), (40, 8));
        let offsets = (
            offset_of!(Destination, service),
            offset_of!(Destination, flags),
            offset_of!(Destination, server),
            offset_of!(Destination, reserved),
        );
        assert_eq!(offsets, (8, 12, 16, 36));
    }

    #[test]
    fn a_server_is_local_in_its_own_namespace_or_in_all() {
        let server = Endpoint::from_wire_v4(1, 80);
        assert!(Destination::local(1, 0, server, 5).is_local_to(5));
        assert!(!Destination::local(1, 0, server, 5).is_local_to(6));
        assert!(Destination::local(1, 0, server, 0).is_local_to(6));
        assert!(!Destination::remote(1, 0).is_local_to(0));
        assert!(!Destination::guarded(1, 5).is_local_to(5));
    }

    #[test]
    fn a_server_elsewhere_is_local_to_nobody() {
        let server = Endpoint::from_wire_v4(1, 80);
        assert!(!Destination::local(1, Destination::ELSEWHERE, server, 0).is_local_to(5));
    }

    #[test]
    fn the_straight_path_says_what_a_connection_needs() {
        let path = |flags| Destination::remote(1, flags).straight_path();
        assert_eq!(path(Destination::VIRTUAL), Origin::SERVER);
        assert_eq!(path(Destination::STRICT), Origin::SERVER | Origin::GUARDED);
        assert_eq!(
            path(Destination::STRICT | Destination::FAST),
            Origin::SERVER | Origin::GUARDED | Origin::FAST
        );
    }
}
