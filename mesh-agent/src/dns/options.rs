use super::Domain;
use crate::discovery::Health;
use crate::model::{Datacenter, NodeName, ServiceName};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// How the DNS door answers. The fields carry the names of the configuration's `dns_config`.
#[derive(Clone, Debug)]
pub struct DnsOptions {
    /// The zones, all with the same content; reverse look-ups answer with names in the first.
    pub domains: Vec<Domain>,
    pub datacenter: Datacenter,
    /// This agent's node, the name server of its zones while the catalog names no servers.
    pub node: NodeName,
    /// Which instances are named.
    pub health: Health,
    pub node_ttl: Duration,
    /// By service name; `*` stands for all, and `web*` for those whose name begins so.
    pub service_ttl: BTreeMap<String, Duration>,
    /// Most records in an answer over UDP to a client without EDNS. What is left out is announced by the
    /// TC bit in every case, whatever `enable_truncate` says: a client that is not told cannot ask again
    /// over TCP.
    pub udp_answer_limit: usize,
    /// Most addresses in any answer; `None` for all.
    pub a_record_limit: Option<usize>,
    pub soa: Soa,
    /// Asked in this order for names outside the zones; with none of them such questions are refused.
    pub recursors: Vec<SocketAddr>,
    /// For one attempt with one recursor.
    pub recursor_timeout: Duration,
    /// Most questions that wait for a recursor at the same time; more get SERVFAIL.
    pub recursions_in_flight: usize,
    /// Most TCP connections at the same time; more are closed at once.
    pub tcp_connections: usize,
    /// How long a TCP client may take for a message, or be idle.
    pub tcp_deadline: Duration,
}

/// The numbers of a zone's SOA record, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soa {
    pub refresh: u32,
    pub retry: u32,
    pub expire: u32,
    /// How long a name's absence may be remembered.
    pub min_ttl: u32,
}

impl Default for Soa {
    fn default() -> Self {
        Self { refresh: 3600, retry: 600, expire: 86_400, min_ttl: 0 }
    }
}

impl DnsOptions {
    /// The defaults, with the zones `consul.` and `mesh.`.
    pub fn new(datacenter: Datacenter, node: NodeName) -> Self {
        let zone = |name| Domain::new(name).expect("a literal domain is valid");
        Self {
            domains: vec![zone("consul"), zone("mesh")],
            datacenter,
            node,
            health: Health::default(),
            node_ttl: Duration::ZERO,
            service_ttl: BTreeMap::new(),
            udp_answer_limit: 3,
            a_record_limit: None,
            soa: Soa::default(),
            recursors: Vec::new(),
            recursor_timeout: Duration::from_secs(2),
            recursions_in_flight: 512,
            tcp_connections: 256,
            tcp_deadline: Duration::from_secs(10),
        }
    }

    /// In seconds: what is configured for the name itself, else for its longest prefix.
    pub(super) fn ttl_of(&self, service: &ServiceName) -> u32 {
        let covers = |pattern: &str| match pattern.strip_suffix('*') {
            Some(prefix) => {
                service.as_str().get(..prefix.len()).is_some_and(|s| s.eq_ignore_ascii_case(prefix))
            }
            None => service.as_str().eq_ignore_ascii_case(pattern),
        };
        let fit = self.service_ttl.iter().filter(|(pattern, _)| covers(pattern));
        let best = fit.max_by_key(|(pattern, _)| (!pattern.ends_with('*'), pattern.len()));
        best.map_or(0, |(_, ttl)| seconds(*ttl))
    }

    pub(super) fn node_ttl(&self) -> u32 {
        seconds(self.node_ttl)
    }
}

fn seconds(ttl: Duration) -> u32 {
    u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_ttl_of_a_service_holds() {
        let mut options = DnsOptions::new(Datacenter::new("dc1").unwrap(), NodeName::new("n").unwrap());
        let ttl = |options: &DnsOptions, name| options.ttl_of(&ServiceName::new(name).unwrap());
        assert_eq!(ttl(&options, "web"), 0);
        options.service_ttl = [("*", 5), ("db*", 10), ("db-main*", 20), ("db-main-1", 30)]
            .map(|(p, s)| (p.into(), Duration::from_secs(s)))
            .into();
        let cases = [("web", 5), ("db", 10), ("db-other", 10), ("DB-Main-2", 20), ("db-main-1", 30)];
        for (name, want) in cases {
            assert_eq!(ttl(&options, name), want, "{name}");
        }
    }
}
