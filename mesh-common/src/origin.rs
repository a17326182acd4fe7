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
    /// A sum of the constants below.
    pub path: u32,
}

impl Origin {
    /// The connection goes to leg F.
    pub const AGENT: u32 = 1;
    /// The connection goes straight to the server.
    pub const SERVER: u32 = 1 << 1;
    /// The server is strict and has to let the connection in.
    pub const GUARDED: u32 = 1 << 2;
    /// `sk_msg` moves its bytes.
    pub const FAST: u32 = 1 << 3;
    /// It asks for names, of the agent in the place of whom it meant.
    pub const NAMES: u32 = 1 << 4;

    /// `getsockopt(SOL_IP, OPTION)` on a socket that leg F accepted gives this whole value, and
    /// `ENOPROTOOPT` on a socket that nobody was sent to.
    pub const OPTION: i32 = 0x6d65;

    /// Whether the path is, among others, one of these.
    #[inline(always)]
    #[must_use]
    pub const fn has(&self, paths: u32) -> bool {
        self.path & paths != 0
    }
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
