use super::{Domain, names};
use crate::discovery::Reach;
use crate::model::{NodeName, ServiceName};
use hickory_proto::rr::Name;
use std::net::IpAddr;

/// What a name asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question<'a> {
    Inside(Inside<'a>),
    /// Who has this address?
    Reverse(IpAddr),
    /// A name that is not ours.
    Foreign,
}

/// A question about one of our zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inside<'a> {
    pub zone: &'a Name,
    /// In lower case; `None` means this datacenter.
    pub datacenter: Option<String>,
    pub subject: Subject,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The zone itself.
    Apex,
    /// `ns.<zone>`
    NameServer,
    Node(NodeName),
    Service {
        service: ServiceName,
        tag: Option<String>,
        reach: Reach,
    },
    /// The name of a prepared query.
    Prepared(String),
    Virtual(ServiceName),
    Address(IpAddr),
    /// A name that holds nothing itself and has names below it, such as `service.<zone>`.
    Branch,
    /// No such name can exist.
    Nowhere,
}

/// Reads names: labels to subjects.
#[derive(Clone, Debug)]
pub(super) struct QuestionParser {
    /// The longest first, so that a zone within a zone is found.
    domains: Vec<Domain>,
}

const KINDS: [&str; 6] = ["service", "connect", "query", "virtual", "node", "addr"];

impl QuestionParser {
    pub(super) fn new(mut domains: Vec<Domain>) -> Self {
        domains.sort_by_key(|d| std::cmp::Reverse(d.name().num_labels()));
        Self { domains }
    }

    pub(super) fn parse(&self, name: &Name) -> Question<'_> {
        match self.domains.iter().map(Domain::name).find(|zone| zone.zone_of(name)) {
            Some(zone) => Question::Inside(inside(zone, name)),
            None => names::parse_reverse(name).map_or(Question::Foreign, Question::Reverse),
        }
    }
}

fn inside<'a>(zone: &'a Name, name: &Name) -> Inside<'a> {
    let own = name.iter().take(usize::from(name.num_labels() - zone.num_labels()));
    let labels: Option<Vec<String>> =
        own.map(|l| std::str::from_utf8(l).ok().map(str::to_ascii_lowercase)).collect();
    let labels: Vec<&str> = labels.iter().flatten().map(String::as_str).collect();
    let (rest, kind, datacenter) = split(&labels);
    let subject = match kind {
        Some(kind) if rest.is_empty() && KINDS.contains(&kind) => Subject::Branch,
        Some(kind) => subject(kind, rest).unwrap_or(Subject::Nowhere),
        None if name.num_labels() == zone.num_labels() => Subject::Apex,
        None if rest == ["ns"] => Subject::NameServer,
        None => Subject::Nowhere,
    };
    Inside { zone, datacenter: datacenter.map(str::to_owned), subject }
}

/// `<rest>.<kind>` or `<rest>.<kind>.<datacenter>`.
fn split<'a, 'b>(labels: &'b [&'a str]) -> (&'b [&'a str], Option<&'a str>, Option<&'a str>) {
    match labels {
        [rest @ .., kind] if KINDS.contains(kind) => (rest, Some(kind), None),
        [rest @ .., kind, datacenter] if KINDS.contains(kind) => (rest, Some(kind), Some(datacenter)),
        other => (other, None, None),
    }
}

fn subject(kind: &str, labels: &[&str]) -> Option<Subject> {
    match (kind, labels) {
        ("service", labels) => service(labels),
        ("connect", labels) => {
            let service = ServiceName::new(&labels.join(".")).ok()?;
            Some(Subject::Service { service, tag: None, reach: Reach::Mesh })
        }
        ("query", labels) => Some(Subject::Prepared(labels.join("."))),
        ("virtual", labels) => ServiceName::new(&labels.join(".")).ok().map(Subject::Virtual),
        ("node", labels) => NodeName::new(&labels.join(".")).ok().map(Subject::Node),
        ("addr", [hex]) => names::parse_address(hex).map(Subject::Address),
        _ => None,
    }
}

/// `<service>`, `<tag>.<service>` or, by RFC 2782, `_<service>._<tag>`, where `_tcp` means any tag.
fn service(labels: &[&str]) -> Option<Subject> {
    let (service, tag) = match labels {
        [service, proto] if service.starts_with('_') && proto.starts_with('_') => {
            (&service[1..], Some(&proto[1..]).filter(|tag| *tag != "tcp").map(str::to_owned))
        }
        [service] => (*service, None),
        [tag @ .., service] => (*service, Some(tag.join("."))),
        [] => return None,
    };
    let service = ServiceName::new(service).ok()?;
    Some(Subject::Service { service, tag, reach: Reach::Direct })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    fn service(name: &str, tag: Option<&str>, reach: Reach) -> Subject {
        Subject::Service { service: ServiceName::new(name).unwrap(), tag: tag.map(Into::into), reach }
    }

    fn node(name: &str) -> Subject {
        Subject::Node(NodeName::new(name).unwrap())
    }

    fn parser() -> QuestionParser {
        let zones = ["consul", "mesh", "corp.example", "deep.corp.example"];
        QuestionParser::new(zones.map(|d| Domain::new(d).unwrap()).into())
    }

    #[test]
    fn names_of_our_zones_are_read_as_subjects() {
        use Reach::{Direct, Mesh};
        let cases = [
            ("web.service.consul.", None, service("web", None, Direct)),
            ("WEB.Service.CONSUL.", None, service("web", None, Direct)),
            ("web.service.dc2.consul.", Some("dc2"), service("web", None, Direct)),
            ("v1.web.service.mesh.", None, service("web", Some("v1"), Direct)),
            ("a.b.web.service.consul.", None, service("web", Some("a.b"), Direct)),
            ("_web._v1.service.consul.", None, service("web", Some("v1"), Direct)),
            ("_web._tcp.service.dc1.consul.", Some("dc1"), service("web", None, Direct)),
            ("node.service.consul.", None, service("node", None, Direct)),
            ("web.connect.consul.", None, service("web", None, Mesh)),
            ("web.virtual.consul.", None, Subject::Virtual(ServiceName::new("web").unwrap())),
            ("n1.node.consul.", None, node("n1")),
            ("n1.site.node.dc1.consul.", Some("dc1"), node("n1.site")),
            ("service.node.consul.", None, node("service")),
            ("7f000001.addr.dc1.consul.", Some("dc1"), Subject::Address([127, 0, 0, 1].into())),
            ("consul.", None, Subject::Apex),
            ("ns.consul.", None, Subject::NameServer),
            ("service.consul.", None, Subject::Branch),
            ("node.dc1.consul.", Some("dc1"), Subject::Branch),
            ("web.service.corp.example.", None, service("web", None, Direct)),
            ("web.consul.", None, Subject::Nowhere),
            ("zz.addr.consul.", None, Subject::Nowhere),
            ("_._.service.consul.", None, Subject::Nowhere),
        ];
        for (name, datacenter, want) in cases {
            let parser = parser();
            let Question::Inside(found) = parser.parse(&Name::from_str(name).unwrap()) else {
                panic!("{name}")
            };
            assert_eq!((found.subject, found.datacenter.as_deref()), (want, datacenter), "{name}");
        }
    }

    #[test]
    fn a_zone_within_a_zone_is_its_own() {
        let parser = parser();
        let name = Name::from_str("web.service.deep.corp.example.").unwrap();
        let Question::Inside(found) = parser.parse(&name) else { panic!() };
        assert_eq!(found.zone.to_string(), "deep.corp.example.");
    }

    #[test]
    fn other_names_are_foreign_and_reverse_names_are_addresses() {
        for foreign in ["example.com.", "consul.example.", "xconsul.", ".", "in-addr.arpa."] {
            assert_eq!(parser().parse(&Name::from_str(foreign).unwrap()), Question::Foreign, "{foreign}");
        }
        let reverse = Name::from(std::net::Ipv4Addr::LOCALHOST);
        assert_eq!(parser().parse(&reverse), Question::Reverse([127, 0, 0, 1].into()));
    }

    #[test]
    fn bytes_that_are_no_text_name_nothing() {
        let labels: [&[u8]; 3] = [b"\xff\xfe", b"service", b"consul"];
        let parser = parser();
        let Question::Inside(found) = parser.parse(&Name::from_labels(labels).unwrap()) else { panic!() };
        assert_eq!(found.subject, Subject::Nowhere);
    }
}
