use crate::{Endpoint, ServiceNumber};

/// What the programs remember of a connection that they sent elsewhere: who asked, and for what.
///
/// It lies on the connecting socket, and for a while in the map `origin` (keyed by the connecting
/// [`crate::Tuple`]), from where it moves onto the socket that leg F accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Origin {
    pub source: ServiceNumber,
    pub destination: ServiceNumber,
    /// Where the application wanted to go.
    pub endpoint: Endpoint,
    /// One of the constants below.
    pub path: u32,
}

impl Origin {
    /// The connection goes to leg F.
    pub const AGENT: u32 = 1;
    /// The connection goes straight to the server.
    pub const SERVER: u32 = 2;
    /// The agent itself connects, to where it said.
    pub const FROM_AGENT: u32 = 3;

    /// `getsockopt(SOL_IP, OPTION)` on a socket that leg F accepted gives this whole value, and
    /// `ENOPROTOOPT` on a socket that nobody was sent to.
    pub const OPTION: i32 = 0x6d65;
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Origin>(), align_of::<Origin>()), (32, 4));
        assert_eq!((offset_of!(Origin, endpoint), offset_of!(Origin, path)), (8, 28));
    }
}
