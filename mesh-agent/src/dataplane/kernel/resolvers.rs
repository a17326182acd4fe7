use super::diag::Diag;
use super::error::KernelError;
use super::pins::Pins;
use aya::maps::{HashMap, Map, MapData};
use mesh_common::Endpoint;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

/// Whom programs asked for names, whose questions were sent to the agent.
pub struct Resolvers {
    by_cookie: HashMap<MapData, u64, Endpoint>,
    diag: Diag,
    pins: Pins,
}

impl Resolvers {
    /// Beside an attachment with the same pins.
    ///
    /// # Errors
    /// Nothing is attached there, or the kernel has no list of sockets, or one of TCP's alone.
    pub fn open(pins: &Pins) -> Result<Self, KernelError> {
        let name = "resolver";
        let failed = |error| KernelError::map(name, "opening", error);
        let map = MapData::from_pin(pins.maps().join(name)).map_err(failed)?;
        let by_cookie = Map::LruHashMap(map).try_into().map_err(failed)?;
        let listing = |source| KernelError::Sockets { attempt: "asking for sockets", source };
        let diag = Diag::open().map_err(listing)?;
        finds_udp(&diag).map_err(listing)?;
        Ok(Self { by_cookie, diag, pins: pins.clone() })
    }

    /// The same, for sockets of the network namespace that this thread is in.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn here(&self) -> Result<Self, KernelError> {
        Self::open(&self.pins)
    }

    /// Whom the program meant whose socket `client` has asked at `here`; `None` where nobody knows any more.
    pub fn of(&self, udp: bool, client: SocketAddr, here: SocketAddr) -> Option<SocketAddr> {
        let cookie = self.diag.cookie(udp, client, here).ok().flatten()?;
        self.by_cookie.get(&cookie, 0).ok().map(Endpoint::socket_addr)
    }
}

/// Where the kernel lists no UDP sockets, it says of each that there is none: every question by UDP for a name that is
/// not ours would be refused, for want of somebody to pass it on to.
fn finds_udp(diag: &Diag) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = socket.local_addr()?;
    let missing =
        || io::Error::other("it does not know those of UDP (CONFIG_INET_UDP_DIAG; modprobe udp_diag)");
    diag.cookie(true, address, address)?.map(drop).ok_or_else(missing)
}
