use super::runtime::{Cidr, DataPlaneMode, JoinAddress, LogLevel};
use crate::dataplane::Accelerate;
use crate::model::IntentionAction;
use crate::pki::cluster::JoinSecret;
use crate::proxy::Ktls;
use serde::de::{Deserialize, Deserializer, Error};
use std::net::{IpAddr, SocketAddr};

/// A text that is parsed where it is read, so that a mistake names its file and key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parsed<T>(pub T);

/// How a text becomes a value, or what it should have been.
pub(super) trait FromText: Sized {
    const WANTED: &'static str;
    /// An error does not repeat it.
    const SECRET: bool = false;
    fn from_text(text: &str) -> Option<Self>;
}

impl<'de, T: FromText> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = String::deserialize(source)?;
        let parsed = T::from_text(text.trim()).map(Parsed);
        let found = if T::SECRET { "something else".to_owned() } else { shown(&text) };
        parsed.ok_or_else(|| D::Error::custom(format_args!("found {found}, want {}", T::WANTED)))
    }
}

fn shown(text: &str) -> String {
    let start: String = text.chars().take(64).collect();
    format!("{start:?}")
}

/// A port of this host: a number, or −1 for "do not listen". 0 lets the system choose one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Port(pub Option<u16>);

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(source)?;
        let wrong = || {
            D::Error::custom(format_args!(
                "found the number {number}, want a port from 0 to 65535, or -1 for none"
            ))
        };
        if number == -1 {
            Ok(Self(None))
        } else {
            u16::try_from(number).map(|p| Self(Some(p))).map_err(|_| wrong())
        }
    }
}

impl FromText for IpAddr {
    const WANTED: &'static str = "an IP address (templates and host names are not)";
    fn from_text(text: &str) -> Option<Self> {
        text.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }
}

/// Addresses with spaces between them.
impl FromText for Vec<IpAddr> {
    const WANTED: &'static str = "IP addresses with spaces between them";
    fn from_text(text: &str) -> Option<Self> {
        let list: Option<Self> = text.split_whitespace().map(IpAddr::from_text).collect();
        list.filter(|list| !list.is_empty())
    }
}

/// Where a DNS server is; its port is 53 where none is given.
impl FromText for SocketAddr {
    const WANTED: &'static str = "an IP address with or without a port, such as 8.8.8.8 or 8.8.8.8:53";
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().or_else(|| IpAddr::from_text(text).map(|ip| Self::new(ip, 53)))
    }
}

impl FromText for Cidr {
    const WANTED: &'static str = "a network such as 10.0.0.0/8";
    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl FromText for DataPlaneMode {
    const WANTED: &'static str = "\"userspace\", \"auto\" or \"ebpf\"";
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "userspace" => Some(Self::Userspace),
            "auto" => Some(Self::Auto),
            "ebpf" => Some(Self::Ebpf),
            _ => None,
        }
    }
}

impl FromText for Accelerate {
    const WANTED: &'static str = "\"off\", \"auto\", \"nonblocking\" or \"on\"";
    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl FromText for Ktls {
    const WANTED: &'static str = "\"off\", \"auto\" or \"on\"";
    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl FromText for LogLevel {
    const WANTED: &'static str = "TRACE, DEBUG, INFO, WARN or ERR";
    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl FromText for IntentionAction {
    const WANTED: &'static str = "\"allow\" or \"deny\"";
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "allow" => Some(Self::Allow),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }
}

impl FromText for uuid::Uuid {
    const WANTED: &'static str = "a UUID";
    fn from_text(text: &str) -> Option<Self> {
        Self::parse_str(text).ok()
    }
}

/// A DNS domain: lower case, no dot at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Domain(pub String);

impl FromText for Domain {
    const WANTED: &'static str = "a domain such as consul or mesh.example.com";
    fn from_text(text: &str) -> Option<Self> {
        let domain = text.trim_end_matches('.').to_ascii_lowercase();
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(legal);
        (domain.len() <= 200 && domain.split('.').all(label)).then_some(Self(domain))
    }
}

impl FromText for JoinSecret {
    const WANTED: &'static str = "16, 24 or 32 bytes in base64, the same on all nodes of the cluster";
    const SECRET: bool = true;
    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

/// A host name or an address, with or without a port.
impl FromText for JoinAddress {
    const WANTED: &'static str = "a host name or IP address with or without a port, such as 10.0.0.1 or server-1:8300 \
                                  (clouds are not asked for addresses)";
    fn from_text(text: &str) -> Option<Self> {
        let parsed = text.parse::<SocketAddr>().map(|at| (at.ip().to_string(), Some(at.port()))).ok();
        let parsed = parsed.or_else(|| IpAddr::from_text(text).map(|ip| (ip.to_string(), None)));
        let (host, port) = parsed.or_else(|| named(text))?;
        Some(Self { host, port })
    }
}

fn named(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (text, None),
    };
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    ((1..=253).contains(&host.len()) && host.bytes().all(legal)).then(|| (host.to_owned(), port))
}
