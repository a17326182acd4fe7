use super::answer::{Answer, Verdict};
use super::question::{Inside, Question, QuestionParser, Subject};
use super::record_maker::{Located, RecordMaker};
use super::{DnsOptions, names};
use crate::clock::Timestamp;
use crate::discovery::{self, CatalogReader, Endpoint, Prepared, Reach, ServiceQuery};
use crate::model::{Datacenter, Node, ServiceName};
use hickory_proto::op::{Query, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

/// The service under which servers register themselves.
const SERVERS: &str = "consul";
/// Most aliases followed from one of our names to the next.
const ALIASES: usize = 4;

/// What differs from one question to the next besides the question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub seed: u64,
    pub now: Timestamp,
}

/// Answers questions from a catalog.
pub(super) struct Responder {
    options: DnsOptions,
    parser: QuestionParser,
}

impl Responder {
    pub(super) fn new(options: DnsOptions) -> Self {
        Self { parser: QuestionParser::new(options.domains.clone()), options }
    }

    pub(super) fn answer(&self, catalog: &dyn CatalogReader, query: &Query, moment: Moment) -> Verdict {
        let ask = |zone| Ask { maker: RecordMaker { zone, options: &self.options }, catalog, query, moment };
        match self.parser.parse(query.name()) {
            Question::Inside(inside) => {
                if let Some(datacenter) = self.elsewhere(&inside) {
                    return Verdict::Across(datacenter);
                }
                let answer = ask(inside.zone).inside(&inside);
                if let Some(name) = self.failing_over(catalog, &inside) {
                    return Verdict::FailOver(name.to_owned(), answer);
                }
                self.follow(catalog, answer, query.query_type(), moment)
            }
            Question::Reverse(ip) => match self.options.domains.first() {
                Some(primary) => ask(primary.name()).reverse(ip),
                None => Verdict::Foreign(Answer::code(ResponseCode::Refused)),
            },
            Question::Foreign => Verdict::Foreign(Answer::code(ResponseCode::Refused)),
        }
    }

    /// A prepared query that finds nothing here and says who else may.
    fn failing_over<'i>(&self, catalog: &dyn CatalogReader, inside: &'i Inside<'_>) -> Option<&'i str> {
        let Subject::Prepared(name) = &inside.subject else { return None };
        let prepared = catalog.prepared(name)?;
        (prepared.endpoints.is_empty() && prepared.fails_over).then_some(name.as_str())
    }

    /// What another datacenter has found for a prepared query, as an answer.
    pub(super) fn found_elsewhere(
        &self,
        catalog: &dyn CatalogReader,
        query: &Query,
        found: Prepared,
        moment: Moment,
    ) -> Answer {
        let Question::Inside(inside) = self.parser.parse(query.name()) else {
            return Answer::code(ResponseCode::ServFail);
        };
        let maker = RecordMaker { zone: inside.zone, options: &self.options };
        let ask = Ask { maker, catalog, query, moment };
        ask.answer(ask.of_prepared(found))
    }

    /// Another datacenter whose servers know the subject. Virtual addresses lead nowhere but at home.
    fn elsewhere(&self, inside: &Inside<'_>) -> Option<Datacenter> {
        let asked = inside
            .datacenter
            .as_ref()
            .filter(|dc| !dc.eq_ignore_ascii_case(self.options.datacenter.as_str()))?;
        match inside.subject {
            Subject::Node(_) | Subject::Service { .. } | Subject::Prepared(_) => Datacenter::new(asked).ok(),
            _ => None,
        }
    }

    /// Follows an alias to the addresses that were asked for, as far as our own zones lead.
    fn follow(
        &self,
        catalog: &dyn CatalogReader,
        mut answer: Answer,
        kind: RecordType,
        moment: Moment,
    ) -> Verdict {
        for _ in 0..ALIASES {
            let Some(target) = alias(&answer, kind) else { return Verdict::Final(answer) };
            let Question::Inside(inside) = self.parser.parse(&target) else {
                return Verdict::Alias(answer, target);
            };
            let maker = RecordMaker { zone: inside.zone, options: &self.options };
            let query = Query::query(target.clone(), kind);
            let next = Ask { maker, catalog, query: &query, moment }.inside(&inside).answers;
            if next.is_empty() {
                return Verdict::Final(answer);
            }
            answer.answers.extend(next);
        }
        Verdict::Final(answer)
    }
}

/// The target of an answer that ends in an alias, where addresses were asked for.
fn alias(answer: &Answer, kind: RecordType) -> Option<Name> {
    match answer.answers.last().map(|r| &r.data) {
        Some(RData::CNAME(target)) if matches!(kind, RecordType::A | RecordType::AAAA) => {
            Some(target.0.clone())
        }
        _ => None,
    }
}

/// The records of a name that exists; without answers it has none of the type that was asked for.
#[derive(Default)]
struct Found {
    answers: Vec<Record>,
    additionals: Vec<Record>,
}

impl Found {
    fn answers(answers: impl IntoIterator<Item = Record>) -> Self {
        Self { answers: answers.into_iter().collect(), additionals: Vec::new() }
    }

    /// Each target's addresses once, however many records point there.
    fn located(located: impl IntoIterator<Item = Located>) -> Self {
        let mut found = Self::default();
        let mut seen = HashSet::new();
        for Located { record, addresses } in located {
            found.answers.push(record);
            found
                .additionals
                .extend(addresses.into_iter().filter(|r| seen.insert((r.name.clone(), r.data.clone()))));
        }
        found
    }
}

/// One question under way.
struct Ask<'a> {
    maker: RecordMaker<'a>,
    catalog: &'a dyn CatalogReader,
    query: &'a Query,
    moment: Moment,
}

impl Ask<'_> {
    fn name(&self) -> &Name {
        self.query.name()
    }

    fn kind(&self) -> RecordType {
        self.query.query_type()
    }

    fn options(&self) -> &DnsOptions {
        self.maker.options
    }

    fn inside(&self, inside: &Inside<'_>) -> Answer {
        let here = self.options().datacenter.as_str();
        let local = inside.datacenter.as_deref().is_none_or(|dc| dc.eq_ignore_ascii_case(here));
        self.answer(self.look_up(&inside.subject).filter(|_| local))
    }

    fn answer(&self, found: Option<Found>) -> Answer {
        let soa = self.maker.soa(self.moment.now);
        match found {
            None => Answer::negative(ResponseCode::NXDomain, soa),
            Some(found) if found.answers.is_empty() => Answer::negative(ResponseCode::NoError, soa),
            Some(found) => Answer { additionals: found.additionals, ..Answer::of_zone(found.answers) },
        }
    }

    /// `None` if there is no such name.
    fn look_up(&self, subject: &Subject) -> Option<Found> {
        match subject {
            Subject::Apex => Some(self.apex()),
            Subject::NameServer => Some(self.name_server()),
            Subject::Node(name) => self.catalog.node(name).map(|node| self.node(&node)),
            Subject::Service { service, tag, reach } => self.service(service, tag.as_ref(), *reach),
            Subject::Prepared(name) => self.prepared(name),
            Subject::Virtual(service) => {
                let ip = self.catalog.virtual_ip(service)?;
                Some(self.ip(ip.into(), self.options().ttl_of(service)))
            }
            Subject::Address(ip) => Some(self.ip(*ip, self.options().node_ttl())),
            Subject::Branch => Some(Found::default()),
            Subject::Nowhere => None,
        }
    }

    fn ip(&self, ip: IpAddr, ttl: u32) -> Found {
        Found::answers(self.maker.address(self.name(), &ip.to_string(), ttl, self.kind()))
    }

    fn apex(&self) -> Found {
        let soa = || self.maker.soa(self.moment.now);
        let servers = || Found::located(self.servers().iter().filter_map(|n| self.maker.name_server(n)));
        match self.kind() {
            RecordType::SOA => Found::answers(soa()),
            RecordType::NS => servers(),
            RecordType::ANY => {
                let Found { answers, additionals } = servers();
                Found { answers: soa().into_iter().chain(answers).collect(), additionals }
            }
            _ => Found::default(),
        }
    }

    fn name_server(&self) -> Found {
        let ttl = self.options().node_ttl();
        let address = |n: &Arc<Node>| self.maker.address(self.name(), &n.address, ttl, self.kind());
        Found::answers(
            self.servers().iter().filter_map(address).filter(|r| r.record_type() != RecordType::CNAME),
        )
    }

    /// The servers' nodes, or this agent's own while none is registered.
    fn servers(&self) -> Vec<Arc<Node>> {
        let name = ServiceName::new(SERVERS).expect("a literal name is valid");
        let mut nodes: Vec<_> =
            self.endpoints(&name, None, Reach::Direct).into_iter().map(|e| e.node).collect();
        nodes.dedup_by(|a, b| a.name == b.name);
        if nodes.is_empty() { self.catalog.node(&self.options().node).into_iter().collect() } else { nodes }
    }

    fn node(&self, node: &Node) -> Found {
        let ttl = self.options().node_ttl();
        let address = match self.kind() {
            RecordType::TXT => None,
            kind => self.maker.address(self.name(), &node.address, ttl, kind),
        };
        let meta = match self.kind() {
            RecordType::TXT | RecordType::ANY => self.maker.meta(self.name(), &node.meta),
            _ => Vec::new(),
        };
        Found::answers(address.into_iter().chain(meta))
    }

    fn service(&self, service: &ServiceName, tag: Option<&String>, reach: Reach) -> Option<Found> {
        self.reached(&self.endpoints(service, tag, reach))
    }

    fn prepared(&self, name: &str) -> Option<Found> {
        self.of_prepared(self.catalog.prepared(name)?)
    }

    /// The query itself says how long its answer holds, if it says so.
    fn of_prepared(&self, prepared: Prepared) -> Option<Found> {
        let Prepared { mut endpoints, ttl, .. } = prepared;
        discovery::shuffle(&mut endpoints, self.moment.seed);
        let mut found = self.reached(&endpoints)?;
        if let Some(ttl) = ttl.map(|ttl| u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX)) {
            found.answers.iter_mut().chain(&mut found.additionals).for_each(|record| record.ttl = ttl);
        }
        Some(found)
    }

    fn reached(&self, endpoints: &[Endpoint]) -> Option<Found> {
        if endpoints.is_empty() {
            return None;
        }
        Some(match self.kind() {
            RecordType::SRV => {
                let mut seen = HashSet::new();
                let located = endpoints.iter().filter_map(|e| self.maker.service(self.name(), e));
                Found::located(located.filter(|l| seen.insert(l.record.data.clone())))
            }
            RecordType::A | RecordType::AAAA | RecordType::CNAME | RecordType::ANY => {
                Found::answers(self.addresses(endpoints))
            }
            _ => Found::default(),
        })
    }

    fn endpoints(&self, service: &ServiceName, tag: Option<&String>, reach: Reach) -> Vec<Endpoint> {
        let query = ServiceQuery {
            service: service.clone(),
            reach,
            tag: tag.cloned(),
            health: self.options().health,
        };
        discovery::endpoints(self.catalog, &query, self.moment.seed)
    }

    /// Each address once. A name that has an alias has nothing else, so that host names only count where
    /// no endpoint has an IP address, and then one of them is named.
    fn addresses(&self, endpoints: &[Endpoint]) -> Vec<Record> {
        let is_ip = |e: &&Endpoint| e.address().parse::<IpAddr>().is_ok();
        let (with_ip, aliases): (Vec<_>, Vec<_>) = endpoints.iter().partition(is_ip);
        let chosen = if with_ip.is_empty() { &aliases[..1] } else { &with_ip[..] };
        let mut seen = HashSet::new();
        let record = |e: &&Endpoint| {
            let ttl = self.options().ttl_of(&e.service.name);
            self.maker.address(self.name(), e.address(), ttl, self.kind())
        };
        let distinct = chosen.iter().filter_map(record).filter(|r| seen.insert(r.data.clone()));
        distinct.take(self.options().a_record_limit.unwrap_or(usize::MAX)).collect()
    }

    /// A node that has the address, else services that do, else the service whose virtual address it is.
    fn reverse(&self, ip: IpAddr) -> Verdict {
        let pointed = matches!(self.kind(), RecordType::PTR | RecordType::ANY);
        let answers: Vec<_> = if pointed { self.names_of(ip) } else { Vec::new() }
            .into_iter()
            .map(|target| self.maker.pointer(self.name(), target))
            .collect();
        if answers.is_empty() {
            Verdict::Foreign(Answer::code(ResponseCode::NXDomain))
        } else {
            Verdict::Final(Answer::of_zone(answers))
        }
    }

    fn names_of(&self, ip: IpAddr) -> Vec<Name> {
        let owners = self.catalog.owners_of(ip);
        let zone = self.maker.zone;
        if let Some(node) = owners.nodes.first() {
            return names::node(zone, node.name.as_str(), node.datacenter.as_str()).into_iter().collect();
        }
        let datacenter = self.options().datacenter.as_str();
        let services =
            owners.services.iter().map(|s| names::under(zone, [s.as_str(), "service", datacenter]));
        let virtuals = owners.virtual_of.iter().map(|s| names::under(zone, [s.as_str(), "virtual"]));
        services.chain(virtuals).flatten().collect()
    }
}
