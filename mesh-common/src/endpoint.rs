use core::net::{IpAddr, Ipv6Addr, SocketAddr};

/// An address and a port, as connections name them. IPv4 is kept in its v4-mapped spelling, so that
/// one host has one key however a program writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Endpoint {
    /// Network order, as in a packet.
    address: [u32; 4],
    /// Network order; 0 stands for every port where a map allows that.
    port: u16,
    reserved: u16,
}

impl Endpoint {
    /// The third word of a v4-mapped address: 0000:ffff.
    const MAPPED: u32 = 0xffff_u32.to_be();

    /// From what the kernel holds: all in network order.
    #[inline(always)]
    #[must_use]
    pub const fn from_wire(address: [u32; 4], port: u16) -> Self {
        Self { address, port, reserved: 0 }
    }

    /// From an IPv4 address that the kernel holds: all in network order.
    #[inline(always)]
    #[must_use]
    pub const fn from_wire_v4(address: u32, port: u16) -> Self {
        Self::from_wire([0, 0, Self::MAPPED, address], port)
    }

    /// The loopback address of the same family.
    #[inline(always)]
    #[must_use]
    pub const fn loopback(self) -> [u32; 4] {
        if self.is_v4() {
            return [0, 0, Self::MAPPED, 0x7f00_0001_u32.to_be()];
        }
        [0, 0, 0, 1_u32.to_be()]
    }

    /// In network order, IPv4 v4-mapped.
    #[inline(always)]
    #[must_use]
    pub const fn address(self) -> [u32; 4] {
        self.address
    }

    /// In network order.
    #[inline(always)]
    #[must_use]
    pub const fn wire_port(self) -> u16 {
        self.port
    }

    #[inline(always)]
    #[must_use]
    pub const fn is_v4(self) -> bool {
        self.address[0] == 0 && self.address[1] == 0 && self.address[2] == Self::MAPPED
    }

    /// Whether it names nothing: no address and no port.
    #[inline(always)]
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.port == 0
    }

    /// The same address at every port.
    #[inline(always)]
    #[must_use]
    pub const fn at_every_port(self) -> Self {
        Self { port: 0, ..self }
    }

    /// As the standard library writes it: a v4-mapped address as IPv4.
    #[must_use]
    pub fn socket_addr(self) -> SocketAddr {
        let address = Ipv6Addr::from(self.octets()).to_canonical();
        SocketAddr::new(address, u16::from_be(self.port))
    }

    fn octets(self) -> [u8; 16] {
        let mut octets = [0; 16];
        for (bytes, word) in octets.chunks_exact_mut(4).zip(self.address) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
        octets
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        let octets = match address.ip() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        };
        let word =
            |at: usize| u32::from_ne_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]]);
        Self::from_wire([word(0), word(4), word(8), word(12)], address.port().to_be())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    fn parse(text: &str) -> SocketAddr {
        text.parse().expect("a test's address")
    }

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Endpoint>(), align_of::<Endpoint>()), (20, 4));
        assert_eq!((offset_of!(Endpoint, address), offset_of!(Endpoint, port)), (0, 16));
    }

    #[test]
    fn one_host_has_one_key() {
        let plain = Endpoint::from(parse("10.1.2.3:80"));
        assert_eq!(Endpoint::from(parse("[::ffff:10.1.2.3]:80")), plain);
        let wire = u32::from_ne_bytes([10, 1, 2, 3]);
        assert_eq!(Endpoint::from_wire_v4(wire, 80_u16.to_be()), plain);
        assert_ne!(Endpoint::from(parse("[::10.1.2.3]:80")), plain);
    }

    #[test]
    fn it_reads_back_what_it_was_made_from() {
        for text in ["240.0.0.1:65535", "[2001:db8::7]:443", "127.0.0.1:0", "[::]:1"] {
            assert_eq!(Endpoint::from(parse(text)).socket_addr(), parse(text), "{text}");
        }
    }

    #[test]
    fn loopback_is_of_the_same_family() {
        for (text, loopback) in [("10.0.0.1:80", "127.0.0.1:9"), ("[2001:db8::1]:80", "[::1]:9")] {
            let found = Endpoint::from_wire(Endpoint::from(parse(text)).loopback(), 9_u16.to_be());
            assert_eq!(found.socket_addr(), parse(loopback));
        }
    }
}
