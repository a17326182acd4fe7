use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A listening TCP socket of our network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    pub address: SocketAddr,
    pub inode: u64,
}

/// TCP_LISTEN, as `/proc/net/tcp` writes it.
const LISTEN: &str = "0A";

impl Listener {
    /// Whether a connection to `app` arrives here. The port alone does not count: another process may
    /// listen on another loopback address.
    pub fn takes(&self, app: SocketAddr) -> bool {
        let (own, wanted) = (self.address.ip().to_canonical(), app.ip().to_canonical());
        let everywhere = own.is_unspecified() && (own.is_ipv6() || wanted.is_ipv4());
        self.address.port() == app.port() && (own == wanted || everywhere)
    }
}

/// The listeners in the text of `/proc/net/tcp` or `/proc/net/tcp6`.
pub(super) fn parse(table: &str) -> impl Iterator<Item = Listener> {
    table.lines().skip(1).filter_map(listener)
}

fn listener(line: &str) -> Option<Listener> {
    let mut fields = line.split_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?.parse().ok()?;
    (state == LISTEN).then(|| address(local)).flatten().map(|address| Listener { address, inode })
}

/// Words of 32 bits in the machine's order, as hexadecimal digits.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let words: Vec<u8> = ip.as_bytes().chunks(8).map(word).collect::<Option<Vec<_>>>()?.concat();
    let ip: IpAddr = match words.len() {
        4 => Ipv4Addr::from(<[u8; 4]>::try_from(words).ok()?).into(),
        16 => Ipv6Addr::from(<[u8; 16]>::try_from(words).ok()?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

fn word(digits: &[u8]) -> Option<[u8; 4]> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.len() == 8)?;
    u32::from_str_radix(text, 16).ok().map(u32::to_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn listening_sockets_are_read_from_the_kernels_tables() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 17 1 0 100 0 0 10 0\n\
            1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0 0 18 1 0 20 4 30 10 -1\n\
            2: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 19 1\n\
            3: broken\n";
        let found: Vec<_> = parse(table).map(|l| (l.address.to_string(), l.inode)).collect();
        assert_eq!(found, [("127.0.0.1:8080".to_owned(), 17), ("[::1]:8081".to_owned(), 19)]);
    }

    #[test]
    fn a_listener_on_another_address_takes_nothing() {
        let table = [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::]:80", "[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true),
            ("127.0.0.2:80", "127.0.0.1:80", false),
            ("127.0.0.1:81", "127.0.0.1:80", false),
            ("0.0.0.0:80", "[::1]:80", false),
        ];
        for (address, app, takes) in table {
            let listener = Listener { address: address.parse().unwrap(), inode: 1 };
            assert_eq!(listener.takes(app.parse().unwrap()), takes, "{address} {app}");
        }
    }
}
