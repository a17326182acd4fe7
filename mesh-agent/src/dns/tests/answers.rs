use crate::clock::Timestamp;
use crate::discovery::fixture::{Fixture, instance, node};
use crate::discovery::{Endpoint, Health, Prepared};
use crate::dns::DnsOptions;
use crate::dns::answer::{Answer, Verdict};
use crate::dns::responder::{Moment, Responder};
use crate::model::{CheckStatus, Datacenter, Meta, Node, NodeName, NodeService, ServiceName, Weights};
use hickory_proto::op::{Query, ResponseCode};
use hickory_proto::rr::{Name, Record, RecordType};
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

fn options() -> DnsOptions {
    DnsOptions::new(Datacenter::new("dc1").unwrap(), NodeName::new("agent").unwrap())
}

fn endpoint(node: Node, service: NodeService, status: CheckStatus) -> Endpoint {
    Endpoint { node: Arc::new(node), service: Arc::new(service), status }
}

/// `web` on two nodes and an address of its own, `db` with a sidecar, and some that are elsewhere.
fn catalog() -> Fixture {
    let own = NodeService { address: "10.9.9.9".into(), port: 9090, ..instance("web", "w3", &["v2"]) };
    let outside = NodeService { address: "db.example.com".into(), ..instance("outside", "o1", &[]) };
    let nearby = NodeService { address: "web.service.mesh".into(), ..instance("nearby", "n1", &[]) };
    let native = NodeService { connect_native: true, port: 20_000, ..instance("db", "d1", &[]) };
    let described = Node { meta: Meta::from([("os".into(), "linux".into())]), ..node("Agent", "10.0.0.250") };
    let mut catalog = Fixture::default()
        .with("web", "w1", &["v1"], CheckStatus::Passing)
        .with("web", "w2", &["v1"], CheckStatus::Warning)
        .with("web", "sick", &["v1"], CheckStatus::Critical)
        .with_endpoint(endpoint(node("n6", "fd00::6"), instance("six", "s1", &[]), CheckStatus::Passing))
        .with_endpoint(endpoint(node("n.dotted", "10.0.0.20"), own, CheckStatus::Passing))
        .with_endpoint(endpoint(node("n8", "10.0.0.8"), outside, CheckStatus::Passing))
        .with_endpoint(endpoint(node("n7", "10.0.0.7"), nearby, CheckStatus::Passing))
        .with_endpoint(endpoint(node("n9", "10.0.0.9"), native, CheckStatus::Passing))
        .with_endpoint(endpoint(described, instance("api", "a1", &[]), CheckStatus::Passing));
    catalog.virtual_ips.push((ServiceName::new("db").unwrap(), Ipv4Addr::new(240, 0, 0, 1)));
    catalog
}

fn verdict(options: DnsOptions, name: &str, kind: RecordType) -> Verdict {
    let query = Query::query(Name::from_ascii(name).unwrap(), kind);
    let moment = Moment { seed: 1, now: Timestamp(1_700_000_000_000) };
    Responder::new(options).answer(&catalog(), &query, moment)
}

fn answer(name: &str, kind: RecordType) -> Answer {
    match verdict(options(), name, kind) {
        Verdict::Final(answer) => answer,
        other => panic!("{name} {kind}: {other:?}"),
    }
}

/// Records as `name TTL TYPE data`, sorted, since answers are shuffled.
fn lines(records: &[Record]) -> Vec<String> {
    let line = |r: &Record| format!("{} {} {} {}", r.name, r.ttl, r.record_type(), r.data);
    let mut lines: Vec<_> = records.iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn every_form_of_name_is_answered_with_its_records() {
    use RecordType::{A, AAAA, ANY, CNAME, PTR, SRV, TXT};
    let hex = "fd000000000000000000000000000006.addr.consul.";
    let cases: [(&str, RecordType, &[&str]); 23] = [
        ("web.service.consul.", A, &["A 10.0.0.1", "A 10.0.0.2", "A 10.9.9.9"]),
        ("WeB.service.mesh.", A, &["A 10.0.0.1", "A 10.0.0.2", "A 10.9.9.9"]),
        ("web.service.dc1.consul.", ANY, &["A 10.0.0.1", "A 10.0.0.2", "A 10.9.9.9"]),
        ("v1.web.service.consul.", A, &["A 10.0.0.1", "A 10.0.0.2"]),
        ("V2.web.service.consul.", A, &["A 10.9.9.9"]),
        ("_web._v2.service.consul.", A, &["A 10.9.9.9"]),
        ("_web._v2._tcp.service.consul.", A, &[]),
        ("_web._tcp.service.consul.", A, &["A 10.0.0.1", "A 10.0.0.2", "A 10.9.9.9"]),
        ("six.service.consul.", AAAA, &["AAAA fd00::6"]),
        ("six.service.consul.", A, &[]),
        ("nearby.service.consul.", CNAME, &["CNAME web.service.mesh."]),
        ("v2.web.service.consul.", SRV, &["SRV 1 1 9090 0a090909.addr.dc1.consul."]),
        ("six.service.mesh.", SRV, &["SRV 1 1 8080 n6.node.dc1.mesh."]),
        ("outside.service.consul.", SRV, &["SRV 1 1 8080 db.example.com."]),
        ("db.connect.consul.", SRV, &["SRV 1 1 20000 n9.node.dc1.consul."]),
        ("web.connect.consul.", A, &[]),
        ("db.virtual.consul.", A, &["A 240.0.0.1"]),
        ("db.virtual.consul.", AAAA, &[]),
        ("n.dotted.node.consul.", A, &["A 10.0.0.20"]),
        ("agent.node.dc1.consul.", TXT, &["TXT os=linux"]),
        ("agent.node.dc1.consul.", ANY, &["A 10.0.0.250", "TXT os=linux"]),
        (hex, AAAA, &["AAAA fd00::6"]),
        ("20.0.0.10.in-addr.arpa.", PTR, &["PTR n.dotted.node.dc1.consul."]),
    ];
    for (name, kind, want) in cases {
        let found = lines(&answer(name, kind).answers);
        let want: Vec<_> = want.iter().map(|data| format!("{name} 0 {data}")).collect();
        assert_eq!(found, want, "{name} {kind}");
    }
}

#[test]
fn reverse_names_lead_to_nodes_then_services_then_virtual_addresses() {
    let cases = [
        (Name::from("fd00::6".parse::<std::net::IpAddr>().unwrap()), "n6.node.dc1.consul."),
        (Name::from(Ipv4Addr::new(10, 9, 9, 9)), "web.service.dc1.consul."),
        (Name::from(Ipv4Addr::new(240, 0, 0, 1)), "db.virtual.consul."),
    ];
    for (name, want) in cases {
        let found = answer(&name.to_string(), RecordType::PTR);
        assert_eq!(found.answers[0].data.to_string(), want);
    }
}

#[test]
fn what_does_not_exist_is_told_from_what_has_no_such_record() {
    let cases = [
        ("none.service.consul.", RecordType::A, ResponseCode::NXDomain),
        ("none.node.consul.", RecordType::A, ResponseCode::NXDomain),
        ("none.virtual.consul.", RecordType::A, ResponseCode::NXDomain),
        ("v9.web.service.consul.", RecordType::A, ResponseCode::NXDomain),
        ("whatever.consul.", RecordType::A, ResponseCode::NXDomain),
        ("web.service.consul.", RecordType::MX, ResponseCode::NoError),
        ("web.service.consul.", RecordType::AAAA, ResponseCode::NoError),
        ("agent.node.consul.", RecordType::SRV, ResponseCode::NoError),
        ("service.consul.", RecordType::A, ResponseCode::NoError),
        ("consul.", RecordType::A, ResponseCode::NoError),
    ];
    for (name, kind, code) in cases {
        let found = answer(name, kind);
        assert!(found.authoritative && found.answers.is_empty(), "{name} {kind}");
        assert_eq!(found.code, code, "{name} {kind}");
        assert_eq!(found.authorities[0].record_type(), RecordType::SOA, "{name} {kind}");
    }
}

#[test]
fn names_that_are_not_ours_are_refused_unless_somebody_can_be_asked() {
    let cases = [
        ("example.com.", ResponseCode::Refused),
        ("consul.example.com.", ResponseCode::Refused),
        ("4.3.2.1.in-addr.arpa.", ResponseCode::NXDomain),
    ];
    for (name, code) in cases {
        match verdict(options(), name, RecordType::PTR) {
            Verdict::Foreign(otherwise) => assert_eq!(otherwise.code, code, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn an_alias_is_followed_within_our_zones_and_handed_on_outside() {
    let followed = lines(&answer("nearby.service.consul.", RecordType::A).answers);
    assert_eq!(
        followed,
        [
            "nearby.service.consul. 0 CNAME web.service.mesh.",
            "web.service.mesh. 0 A 10.0.0.1",
            "web.service.mesh. 0 A 10.0.0.2",
            "web.service.mesh. 0 A 10.9.9.9",
        ]
    );
    let Verdict::Alias(begun, target) = verdict(options(), "outside.service.consul.", RecordType::A) else {
        panic!()
    };
    assert_eq!(target.to_string(), "db.example.com.");
    assert_eq!(lines(&begun.answers), ["outside.service.consul. 0 CNAME db.example.com."]);
}

#[test]
fn service_records_bring_the_addresses_of_their_targets() {
    let found = answer("web.service.consul.", RecordType::SRV);
    assert_eq!(
        lines(&found.additionals),
        [
            "0a090909.addr.dc1.consul. 0 A 10.9.9.9",
            "node-w1.node.dc1.consul. 0 A 10.0.0.1",
            "node-w2.node.dc1.consul. 0 A 10.0.0.2",
        ]
    );
}

#[test]
fn a_zone_names_its_servers_and_itself() {
    let servers = answer("consul.", RecordType::NS);
    assert_eq!(lines(&servers.answers), ["consul. 0 NS Agent.node.dc1.consul."]);
    assert_eq!(lines(&servers.additionals), ["Agent.node.dc1.consul. 0 A 10.0.0.250"]);
    assert_eq!(lines(&answer("ns.mesh.", RecordType::A).answers), ["ns.mesh. 0 A 10.0.0.250"]);
    let soa = answer("mesh.", RecordType::SOA);
    assert_eq!(lines(&soa.answers), ["mesh. 0 SOA ns.mesh. hostmaster.mesh. 1700000000 3600 600 86400 0"]);
    assert_eq!(answer("mesh.", RecordType::ANY).answers.len(), 2);
}

#[test]
fn options_decide_which_instances_for_how_long_and_how_many() {
    let ask = |options: DnsOptions| match verdict(options, "web.service.consul.", RecordType::A) {
        Verdict::Final(answer) => lines(&answer.answers),
        other => panic!("{other:?}"),
    };
    let only_passing = DnsOptions { health: Health::OnlyPassing, ..options() };
    assert_eq!(ask(only_passing).len(), 2);

    let ttl = [("web".to_owned(), std::time::Duration::from_secs(30))];
    let kept = DnsOptions { service_ttl: ttl.into(), ..options() };
    assert!(ask(kept).iter().all(|line| line.starts_with("web.service.consul. 30 A")));

    let one = DnsOptions { a_record_limit: Some(1), ..options() };
    assert_eq!(ask(one).len(), 1);
}

#[test]
fn each_seed_gives_an_order_of_its_own() {
    let first = |seed| {
        let query = Query::query(Name::from_str("web.service.consul.").unwrap(), RecordType::A);
        let moment = Moment { seed, now: Timestamp(0) };
        match Responder::new(options()).answer(&catalog(), &query, moment) {
            Verdict::Final(answer) => answer.answers[0].data.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let firsts: std::collections::HashSet<_> = (0..50).map(first).collect();
    assert_eq!(firsts.len(), 3);
}

#[test]
fn weights_follow_health() {
    let weights = Weights { passing: 10, warning: 2 };
    let weighted = |id, status| {
        let service = NodeService { weights, ..instance("heavy", id, &[]) };
        endpoint(node(id, "10.1.0.1"), service, status)
    };
    let catalog = Fixture::default()
        .with_endpoint(weighted("p", CheckStatus::Passing))
        .with_endpoint(weighted("w", CheckStatus::Warning));
    let query = Query::query(Name::from_str("heavy.service.consul.").unwrap(), RecordType::SRV);
    let moment = Moment { seed: 1, now: Timestamp(0) };
    let Verdict::Final(answer) = Responder::new(options()).answer(&catalog, &query, moment) else { panic!() };
    assert_eq!(
        lines(&answer.answers),
        [
            "heavy.service.consul. 0 SRV 1 10 8080 p.node.dc1.consul.",
            "heavy.service.consul. 0 SRV 1 2 8080 w.node.dc1.consul.",
        ]
    );
}

#[test]
fn a_prepared_query_is_asked_by_its_name_and_says_how_long_its_answer_holds() {
    let found = answer("q-web.query.consul.", RecordType::A).answers;
    assert_eq!(
        lines(&found),
        ["q-web.query.consul. 7 A 10.0.0.1", "q-web.query.consul. 7 A 10.9.9.9"],
        "those that pass"
    );
    for name in ["none.query.consul.", "q-none.query.consul."] {
        assert_eq!(answer(name, RecordType::A).code, ResponseCode::NXDomain, "{name}");
    }
}

#[test]
fn what_another_datacenter_finds_for_a_prepared_query_is_an_answer_like_any_other() {
    let Verdict::FailOver(name, otherwise) = verdict(options(), "q-far.query.consul.", RecordType::SRV)
    else {
        panic!("it finds nothing here");
    };
    assert_eq!((name.as_str(), otherwise.code), ("q-far", ResponseCode::NXDomain));
    let there = Node { datacenter: Datacenter::new("dc2").unwrap(), ..node("n1", "10.2.0.1") };
    let endpoints = vec![endpoint(there, instance("far", "f1", &[]), CheckStatus::Passing)];
    let found = Prepared { endpoints, ttl: Some(Duration::from_secs(9)), fails_over: true };
    let query = Query::query(Name::from_str("q-far.query.consul.").unwrap(), RecordType::SRV);
    let moment = Moment { seed: 1, now: Timestamp(0) };
    let answer = Responder::new(options()).found_elsewhere(&catalog(), &query, found, moment);
    assert_eq!(lines(&answer.answers), ["q-far.query.consul. 9 SRV 1 1 8080 n1.node.dc2.consul."]);
    assert_eq!(lines(&answer.additionals), ["n1.node.dc2.consul. 9 A 10.2.0.1"]);
}
