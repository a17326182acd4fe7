//! Fits answers into messages.

use super::answer::Answer;
use super::client::{Client, PLAIN_PAYLOAD};
use super::request;
use hickory_proto::op::{Edns, Metadata};
use hickory_proto::rr::{Name, RData, Record};
use hickory_proto::serialize::binary::{BinDecoder, BinEncoder};
use hickory_server::server::Request;
use hickory_server::zone_handler::{MessageResponse, MessageResponseBuilder, Queries};
use std::collections::HashSet;
use std::iter::Copied;
use std::slice::Iter;
use std::sync::LazyLock;

/// How much room an answer has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// In bytes, the whole message.
    pub bytes: u16,
    pub answers: usize,
}

impl Room {
    /// `plain_answers` holds over UDP for clients without EDNS.
    pub(super) fn for_reply(request: &Request, plain_answers: usize) -> Self {
        let client = Client::of(request);
        let payload = request::payload(request);
        let plain = client.speaks_udp() && payload.is_none_or(|p| p <= PLAIN_PAYLOAD);
        Self {
            bytes: client.answer_limit(request.as_slice().len(), payload),
            answers: if plain { plain_answers } else { usize::MAX },
        }
    }
}

/// An answer on its way to whoever sent a request.
pub(super) struct Reply<'q> {
    queries: &'q Queries,
    metadata: Metadata,
    answer: Answer,
    edns: Option<Edns>,
}

/// What of a reply is sent.
pub(super) struct Kept<'a> {
    truncated: bool,
    answers: &'a [Record],
    authorities: &'a [Record],
    additionals: Vec<&'a Record>,
}

/// What goes along with the answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// Not even one answer fits with what explains it.
    OnlyAnswers,
}

/// As the library encodes it: answers, authorities, no separate SOA, additionals.
type Response<'a> = MessageResponse<
    'a,
    'a,
    Iter<'a, Record>,
    Iter<'a, Record>,
    Iter<'a, Record>,
    Copied<Iter<'a, &'a Record>>,
>;

/// For requests with several questions or none, which are not echoed: they might not fit.
static NO_QUESTION: LazyLock<Queries> =
    LazyLock::new(|| Queries::read(&mut BinDecoder::new(&[]), 0).expect("no question is read from no bytes"));

impl<'q> Reply<'q> {
    pub(super) fn new(request: &'q Request, answer: Answer, recursion_available: bool) -> Self {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.authoritative = answer.authoritative;
        metadata.recursion_available = recursion_available;
        metadata.response_code = answer.code;
        let queries = if request.queries.len() == 1 { &request.queries } else { &*NO_QUESTION };
        let edns = request.edns.as_ref().map(|_| {
            let mut edns = Edns::new();
            edns.set_max_payload(Client::of(request).datagram_limit());
            edns.set_dnssec_ok(request::wants_signatures(request));
            edns
        });
        Self { queries, metadata, answer, edns }
    }

    pub(super) fn metadata(&self) -> Metadata {
        self.metadata
    }

    /// The most that fits: first come as many answers as there is room for, and with them the additional
    /// records that belong to them. Wherever something is left out that the client would miss, the TC bit
    /// says so.
    pub(super) fn fit(&self, room: Room) -> Kept<'_> {
        let most = self.answer.answers.len().min(room.answers);
        let fits = |answers, extent| self.fits(&self.kept(answers, extent), room.bytes);
        if fits(most, Extent::Whole) {
            return self.kept(most, Extent::Whole);
        }
        let extent = if fits(most.min(1), Extent::Whole) { Extent::Whole } else { Extent::OnlyAnswers };
        self.kept(largest(most, |answers| fits(answers, extent)), extent)
    }

    /// The message to send.
    pub(super) fn response<'a>(&'a self, kept: &'a Kept<'a>) -> Response<'a> {
        let mut metadata = self.metadata;
        metadata.truncation |= kept.truncated;
        let additionals = kept.additionals.iter().copied();
        MessageResponseBuilder::new(self.queries, self.edns.as_ref()).build(
            metadata,
            kept.answers,
            kept.authorities,
            &[],
            additionals,
        )
    }

    fn kept(&self, answers: usize, extent: Extent) -> Kept<'_> {
        let truncated = answers < self.answer.answers.len() || extent == Extent::OnlyAnswers;
        let answers = &self.answer.answers[..answers];
        let (authorities, additionals) = match extent {
            Extent::Whole => (&self.answer.authorities[..], belonging(&self.answer.additionals, answers)),
            Extent::OnlyAnswers => (&[][..], Vec::new()),
        };
        Kept { truncated, answers, authorities, additionals }
    }

    /// Measured by the library's own encoder, which stops where the room ends: what it has counted says
    /// where that was.
    fn fits(&self, kept: &Kept<'_>, bytes: u16) -> bool {
        let mut buffer = Vec::with_capacity(usize::from(PLAIN_PAYLOAD));
        let mut encoder = BinEncoder::new(&mut buffer);
        encoder.set_max_size(bytes);
        let wanted = [
            kept.answers.len(),
            kept.authorities.len(),
            kept.additionals.len() + usize::from(self.edns.is_some()),
        ];
        self.response(kept).destructive_emit(&mut encoder).is_ok_and(|sent| {
            let counts = sent.counts();
            [counts.answers, counts.authorities, counts.additionals].map(usize::from) == wanted
        })
    }
}

/// The largest number up to `most` that fits, where a smaller one fits whenever a larger one does.
fn largest(most: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// The additional records of the answers that are kept. Where answers name no targets, none is dropped:
/// such records are the recursor's affair.
fn belonging<'a>(additionals: &'a [Record], answers: &[Record]) -> Vec<&'a Record> {
    let targets: HashSet<&Name> = answers.iter().filter_map(target).collect();
    additionals.iter().filter(|r| targets.is_empty() || targets.contains(&r.name)).collect()
}

fn target(record: &Record) -> Option<&Name> {
    match &record.data {
        RData::SRV(srv) => Some(&srv.target),
        RData::NS(ns) => Some(&ns.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::op::{Message, Query};
    use hickory_proto::rr::RecordType;
    use hickory_proto::rr::rdata::{A, SRV};
    use hickory_server::net::xfer::Protocol;
    use std::str::FromStr;

    fn name(text: &str) -> Name {
        Name::from_str(text).unwrap()
    }

    fn request(owner: &Name, edns: bool) -> Request {
        let mut message = Message::query();
        message.add_query(Query::query(owner.clone(), RecordType::SRV));
        if edns {
            message.set_edns(Edns::new());
        }
        Request::from_bytes(message.to_vec().unwrap(), ([127, 0, 0, 1], 5353).into(), Protocol::Udp).unwrap()
    }

    /// `n` SRV records, each with the address of its target.
    fn services(n: u32) -> (Name, Answer) {
        let owner = name("web.service.consul.");
        let mut answer = Answer::of_zone(Vec::new());
        for i in 0..n {
            let target = name(&format!("node-{i}.node.dc1.consul."));
            let srv = SRV::new(1, 1, 8080, target.clone());
            answer.answers.push(Record::from_rdata(owner.clone(), 0, RData::SRV(srv)));
            answer.additionals.push(Record::from_rdata(target, 0, RData::A(A(i.into()))));
        }
        (owner, answer)
    }

    fn fitted(reply: &Reply<'_>, bytes: u16, answers: usize) -> Message {
        let kept = reply.fit(Room { bytes, answers });
        let mut packet = Vec::new();
        let mut encoder = BinEncoder::new(&mut packet);
        encoder.set_max_size(u16::MAX);
        reply.response(&kept).destructive_emit(&mut encoder).unwrap();
        assert!(packet.len() <= usize::from(bytes), "{} bytes in a room of {bytes}", packet.len());
        Message::from_vec(&packet).unwrap()
    }

    #[test]
    fn an_answer_that_fits_is_whole_and_not_marked() {
        let (owner, answer) = services(3);
        let message = fitted(&Reply::new(&request(&owner, true), answer, false), 512, 3);
        assert!(!message.metadata.truncation);
        assert_eq!((message.answers.len(), message.additionals.len()), (3, 3));
    }

    #[test]
    fn whatever_is_left_out_is_marked_and_what_stays_is_complete() {
        for n in [1, 2, 3, 4, 10, 60, 1000] {
            for edns in [false, true] {
                let (owner, answer) = services(n);
                let request = request(&owner, edns);
                let reply = Reply::new(&request, answer, false);
                for bytes in [512, 800, 1232, 4096, 65_535] {
                    for answers in [3, usize::MAX] {
                        let message = fitted(&reply, bytes, answers);
                        let kept = message.answers.len();
                        assert!(kept > 0, "{n} answers came to nothing in {bytes} bytes");
                        assert_eq!(message.metadata.truncation, kept < n as usize);
                        assert_eq!(message.additionals.len(), kept);
                        assert_eq!(message.edns.is_some(), edns);
                    }
                }
            }
        }
    }

    #[test]
    fn one_more_answer_would_not_have_fitted() {
        let (owner, answer) = services(60);
        let request = request(&owner, true);
        let reply = Reply::new(&request, answer, false);
        let kept = reply.fit(Room { bytes: 1232, answers: usize::MAX }).answers.len();
        assert!(!reply.fits(&reply.kept(kept + 1, Extent::Whole), 1232));
    }

    #[test]
    fn an_answer_whose_explanation_does_not_fit_comes_without_it() {
        let long = name(&format!("{}.node.dc1.consul.", [&"x".repeat(60); 3].map(String::as_str).join(".")));
        let srv = RData::SRV(SRV::new(1, 1, 1, name("node-1.node.dc1.consul.")));
        let mut answer = Answer::of_zone(vec![Record::from_rdata(long.clone(), 0, srv)]);
        for i in 0..20 {
            let target = name("node-1.node.dc1.consul.");
            answer.additionals.push(Record::from_rdata(target, 0, RData::A(A(i.into()))));
        }
        let found = fitted(&Reply::new(&request(&long, false), answer, false), 512, 3);
        assert!(found.metadata.truncation && found.answers.len() == 1 && found.additionals.is_empty());
    }

    #[test]
    fn several_questions_are_answered_without_any() {
        let mut message = Message::query();
        for i in 0..200 {
            message.add_query(Query::query(name(&format!("{i}.service.consul.")), RecordType::A));
        }
        let source = ([127, 0, 0, 1], 5353).into();
        let request = Request::from_bytes(message.to_vec().unwrap(), source, Protocol::Udp).unwrap();
        let found = fitted(&Reply::new(&request, Answer::default(), false), 512, 3);
        assert_eq!((found.metadata.id, found.queries.len()), (message.metadata.id, 0));
    }
}
