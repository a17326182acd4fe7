use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;
use std::net::{IpAddr, SocketAddr};

/// The payload that travels everywhere without fragments, by the agreement of DNS flag day 2020.
const SAFE_PAYLOAD: u16 = 1232;
/// The largest payload for a client on this host, where nothing is fragmented or spoofed: the library's
/// receive buffer.
const LOCAL_PAYLOAD: u16 = 4096;
/// What every client takes, by RFC 1035.
pub(super) const PLAIN_PAYLOAD: u16 = 512;
/// How many times its question's size an answer may have, where the source may be spoofed.
const AMPLIFICATION: usize = 10;

/// Who asks, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    source: SocketAddr,
    protocol: Protocol,
}

impl Client {
    pub(super) fn of(request: &Request) -> Self {
        Self { source: request.src(), protocol: request.protocol() }
    }

    pub(super) fn speaks_udp(&self) -> bool {
        self.protocol.is_datagram()
    }

    /// The largest payload over UDP that we send to this client and take from it. Our EDNS record announces
    /// it, and the library encodes no reply beyond what that record says.
    pub(super) fn datagram_limit(&self) -> u16 {
        if self.source.ip().to_canonical().is_loopback() { LOCAL_PAYLOAD } else { SAFE_PAYLOAD }
    }

    /// How many bytes an answer to a question of `question` bytes may have. `announced` is the payload
    /// that the client says it takes, where it speaks EDNS.
    pub(super) fn answer_limit(&self, question: usize, announced: Option<u16>) -> u16 {
        if !self.speaks_udp() {
            return u16::MAX;
        }
        let announced = announced.unwrap_or(0).max(PLAIN_PAYLOAD).min(self.datagram_limit());
        if self.datagram_limit() == LOCAL_PAYLOAD {
            return announced;
        }
        let unsuspicious = u16::try_from(question * AMPLIFICATION).unwrap_or(u16::MAX);
        announced.min(unsuspicious.max(PLAIN_PAYLOAD))
    }

    /// Recursion is for this host and its networks: an open resolver serves attackers.
    pub(super) fn may_recurse(&self) -> bool {
        match self.source.ip().to_canonical() {
            IpAddr::V4(v4) => {
                let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
                v4.is_loopback() || v4.is_private() || v4.is_link_local() || shared
            }
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(source: &str, protocol: Protocol) -> Client {
        Client { source: SocketAddr::new(source.parse().unwrap(), 5353), protocol }
    }

    #[test]
    fn answers_over_udp_are_bounded_by_client_path_and_question() {
        let cases = [
            ("127.0.0.1", Protocol::Udp, 40, None, 512),
            ("127.0.0.1", Protocol::Udp, 40, Some(100), 512),
            ("127.0.0.1", Protocol::Udp, 40, Some(4096), 4096),
            ("::ffff:127.0.0.1", Protocol::Udp, 40, Some(65_535), 4096),
            ("10.0.0.1", Protocol::Udp, 40, Some(4096), 512),
            ("10.0.0.1", Protocol::Udp, 80, Some(4096), 800),
            ("10.0.0.1", Protocol::Udp, 400, Some(4096), 1232),
            ("10.0.0.1", Protocol::Tcp, 40, None, 65_535),
        ];
        for (source, protocol, question, announced, want) in cases {
            let found = client(source, protocol).answer_limit(question, announced);
            assert_eq!(found, want, "{source} {protocol:?} {question} {announced:?}");
        }
    }

    #[test]
    fn recursion_is_closed_to_strangers() {
        for near in ["127.0.0.1", "::1", "10.1.2.3", "172.17.0.2", "192.168.1.1", "100.64.0.1", "fd00::1"] {
            assert!(client(near, Protocol::Udp).may_recurse(), "{near}");
        }
        for stranger in ["8.8.8.8", "2001:db8::1", "100.128.0.1", "::ffff:8.8.8.8"] {
            assert!(!client(stranger, Protocol::Tcp).may_recurse(), "{stranger}");
        }
    }
}
