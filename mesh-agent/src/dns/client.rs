use std::net::{IpAddr, SocketAddr};

/// The payload that travels everywhere without fragments, by the agreement of DNS flag day 2020.
const SAFE_PAYLOAD: usize = 1232;
/// The largest payload for a client on this host, where nothing is fragmented or spoofed.
const LOCAL_PAYLOAD: usize = 4096;
/// What every client takes, by RFC 1035.
const PLAIN_PAYLOAD: usize = 512;
/// How many times its question's size an answer may have, where the source may be spoofed.
const AMPLIFICATION: usize = 10;
/// The largest message over TCP.
const TCP_PAYLOAD: usize = 65_535;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
}

/// Who asks, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub source: SocketAddr,
    pub transport: Transport,
}

impl Client {
    /// How many bytes an answer to a question of `question` bytes may have. `announced` is the payload
    /// that the client says it takes, where it speaks EDNS.
    pub(super) fn answer_limit(&self, question: usize, announced: Option<u16>) -> usize {
        let announced = usize::from(announced.unwrap_or(0)).max(PLAIN_PAYLOAD);
        match self.transport {
            Transport::Tcp => TCP_PAYLOAD,
            Transport::Udp if self.source.ip().to_canonical().is_loopback() => announced.min(LOCAL_PAYLOAD),
            Transport::Udp => announced.min(SAFE_PAYLOAD).min((question * AMPLIFICATION).max(PLAIN_PAYLOAD)),
        }
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

    fn client(source: &str, transport: Transport) -> Client {
        Client { source: SocketAddr::new(source.parse().unwrap(), 5353), transport }
    }

    #[test]
    fn answers_over_udp_are_bounded_by_client_path_and_question() {
        let cases = [
            ("127.0.0.1", Transport::Udp, 40, None, 512),
            ("127.0.0.1", Transport::Udp, 40, Some(100), 512),
            ("127.0.0.1", Transport::Udp, 40, Some(4096), 4096),
            ("::ffff:127.0.0.1", Transport::Udp, 40, Some(65_535), 4096),
            ("10.0.0.1", Transport::Udp, 40, Some(4096), 512),
            ("10.0.0.1", Transport::Udp, 80, Some(4096), 800),
            ("10.0.0.1", Transport::Udp, 400, Some(4096), 1232),
            ("10.0.0.1", Transport::Tcp, 40, None, 65_535),
        ];
        for (source, transport, question, announced, want) in cases {
            let found = client(source, transport).answer_limit(question, announced);
            assert_eq!(found, want, "{source} {transport:?} {question} {announced:?}");
        }
    }

    #[test]
    fn recursion_is_closed_to_strangers() {
        for near in ["127.0.0.1", "::1", "10.1.2.3", "172.17.0.2", "192.168.1.1", "100.64.0.1", "fd00::1"] {
            assert!(client(near, Transport::Udp).may_recurse(), "{near}");
        }
        for stranger in ["8.8.8.8", "2001:db8::1", "100.128.0.1", "::ffff:8.8.8.8"] {
            assert!(!client(stranger, Transport::Tcp).may_recurse(), "{stranger}");
        }
    }
}
