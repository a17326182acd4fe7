use super::{DnsOptions, names};
use crate::clock::Timestamp;
use crate::discovery::Endpoint;
use crate::model::{Meta, Node};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, PTR, SOA, SRV, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::net::IpAddr;
use std::str::FromStr;

/// Writes the records of one zone.
pub(super) struct RecordMaker<'a> {
    pub zone: &'a Name,
    pub options: &'a DnsOptions,
}

/// A service record with the addresses of its target.
pub(super) struct Located {
    pub record: Record,
    pub addresses: Vec<Record>,
}

impl RecordMaker<'_> {
    /// The record of an address, if `kind` asks for it: A or AAAA for an IP address, CNAME for a host name.
    pub(super) fn address(&self, owner: &Name, address: &str, ttl: u32, kind: RecordType) -> Option<Record> {
        let data = match address.parse() {
            Ok(ip) => ip_data(ip),
            Err(_) => RData::CNAME(CNAME(host_name(address)?)),
        };
        let wanted = match data.record_type() {
            // An alias answers every question about its name.
            RecordType::CNAME => true,
            own => kind == own || kind == RecordType::ANY,
        };
        wanted.then(|| Record::from_rdata(owner.clone(), ttl, data))
    }

    pub(super) fn service(&self, owner: &Name, endpoint: &Endpoint) -> Option<Located> {
        let ttl = self.options.ttl_of(&endpoint.service.name);
        let target = self.target(endpoint)?;
        let srv = SRV::new(1, endpoint.weight(), endpoint.service.port, target.clone());
        let address = self.address(&target, endpoint.address(), ttl, RecordType::ANY);
        Some(Located {
            record: Record::from_rdata(owner.clone(), ttl, RData::SRV(srv)),
            addresses: address.into_iter().filter(|r| r.record_type() != RecordType::CNAME).collect(),
        })
    }

    /// A name for where an endpoint is: its host name, its own address's name, or its node's.
    fn target(&self, endpoint: &Endpoint) -> Option<Name> {
        let datacenter = endpoint.node.datacenter.as_str();
        match endpoint.address().parse::<IpAddr>() {
            Err(_) => host_name(endpoint.address()),
            Ok(ip) if endpoint.has_own_address() => names::address(self.zone, ip, datacenter),
            Ok(_) => names::node(self.zone, endpoint.node.name.as_str(), datacenter),
        }
    }

    /// A node's metadata, one record a pair.
    pub(super) fn meta(&self, owner: &Name, meta: &Meta) -> Vec<Record> {
        let record = |(key, value): (&String, &String)| {
            let text = meta_text(key, value);
            let data = TXT::from_bytes(text.as_bytes().chunks(255).collect());
            Record::from_rdata(owner.clone(), self.options.node_ttl(), RData::TXT(data))
        };
        meta.iter().map(record).collect()
    }

    /// A name server with its address.
    pub(super) fn name_server(&self, node: &Node) -> Option<Located> {
        let name = names::node(self.zone, node.name.as_str(), node.datacenter.as_str())?;
        let ttl = self.options.node_ttl();
        let address = self.address(&name, &node.address, ttl, RecordType::ANY);
        let record = Record::from_rdata(self.zone.clone(), ttl, RData::NS(NS(name)));
        Some(Located { record, addresses: address.into_iter().collect() })
    }

    /// The zone's own record; its serial number is the time.
    pub(super) fn soa(&self, now: Timestamp) -> Option<Record> {
        let soa = &self.options.soa;
        let signed = |seconds| i32::try_from(seconds).unwrap_or(i32::MAX);
        let data = SOA::new(
            names::under(self.zone, ["ns"])?,
            names::under(self.zone, ["hostmaster"])?,
            // Serial numbers wrap, by RFC 1982.
            now.seconds() as u32,
            signed(soa.refresh),
            signed(soa.retry),
            signed(soa.expire),
            soa.min_ttl,
        );
        Some(Record::from_rdata(self.zone.clone(), soa.min_ttl, RData::SOA(data)))
    }

    pub(super) fn pointer(&self, owner: &Name, target: Name) -> Record {
        Record::from_rdata(owner.clone(), self.options.node_ttl(), RData::PTR(PTR(target)))
    }
}

fn ip_data(ip: IpAddr) -> RData {
    match ip {
        IpAddr::V4(v4) => RData::A(A(v4)),
        IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
    }
}

fn host_name(text: &str) -> Option<Name> {
    let mut name = Name::from_str(text).ok().filter(|n| !n.is_root())?;
    name.set_fqdn(true);
    Some(name)
}

/// RFC 1464 `key=value`, with `=` and the grave accent in keys quoted; a key that begins with `rfc1035-`
/// asks for the bare value.
fn meta_text(key: &str, value: &str) -> String {
    if key.to_ascii_lowercase().starts_with("rfc1035-") {
        return value.to_owned();
    }
    let quoted = key.replace('`', "``").replace('=', "`=");
    format!("{quoted}={value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_quoted_as_rfc_1464_says_unless_it_asks_for_none() {
        let cases = [
            ("key", "value", "key=value"),
            ("k=y", "v=e", "k`=y=v=e"),
            ("k`y", "v", "k``y=v"),
            ("RFC1035-spf", "v=spf1 -all", "v=spf1 -all"),
        ];
        for (key, value, want) in cases {
            assert_eq!(meta_text(key, value), want);
        }
    }
}
