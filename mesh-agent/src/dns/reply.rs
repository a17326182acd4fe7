//! Fits answers into messages.

use super::answer::Answer;
use super::client::{Client, Transport};
use super::request::Request;
use hickory_proto::op::{Edns, Message, Metadata, emit_message_parts};
use hickory_proto::rr::{Name, RData, Record};
use hickory_proto::serialize::binary::BinEncoder;
use std::collections::HashSet;

/// The payload that we take over UDP.
const OUR_PAYLOAD: u16 = 1232;
/// What a client without EDNS takes.
const PLAIN: usize = 512;

/// How much room an answer has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// In bytes, the whole message.
    pub bytes: usize,
    pub answers: usize,
}

impl Room {
    /// `plain_answers` holds over UDP for clients without EDNS.
    pub(super) fn for_reply(client: &Client, request: &Request, plain_answers: usize) -> Self {
        let plain =
            client.transport == Transport::Udp && request.payload.is_none_or(|p| usize::from(p) <= PLAIN);
        Self {
            bytes: client.answer_limit(request.size, request.payload),
            answers: if plain { plain_answers } else { usize::MAX },
        }
    }
}

/// The message that carries `answer` to whoever sent `request`.
pub(super) fn message(request: &Request, answer: Answer, recursion_available: bool) -> Message {
    let mut metadata = Metadata::response_from_request(&request.metadata);
    metadata.authoritative = answer.authoritative;
    metadata.recursion_available = recursion_available;
    metadata.response_code = answer.code;
    let mut message = Message::response(metadata.id, metadata.op_code);
    message.metadata = metadata;
    message.queries = vec![request.query.clone()];
    message.answers = answer.answers;
    message.authorities = answer.authorities;
    message.additionals = answer.additionals;
    if request.payload.is_some() {
        let mut edns = Edns::new();
        edns.set_max_payload(OUR_PAYLOAD).set_dnssec_ok(request.dnssec);
        message.set_edns(edns);
    }
    message
}

/// The most of a message that fits: first come as many answers as there is room for, and with them the
/// additional records that belong to them. Wherever something is left out that the client would miss, the
/// TC bit says so.
///
/// `None` if not even the question fits, which the smallest room prevents.
pub(super) fn fit(message: &Message, room: Room) -> Option<Vec<u8>> {
    let most = message.answers.len().min(room.answers);
    let attempt = |answers, extent| encode(message, answers, extent, room.bytes);
    let most_of = |extent| attempt(largest(most, |n| attempt(n, extent).is_some()), extent);
    let holds_an_answer = || attempt(most.min(1), Extent::Whole).is_some();
    attempt(most, Extent::Whole)
        .or_else(|| if holds_an_answer() { most_of(Extent::Whole) } else { most_of(Extent::OnlyAnswers) })
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

/// What goes along with the answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// Not even one answer fits with what explains it.
    OnlyAnswers,
}

fn encode(message: &Message, answers: usize, extent: Extent, limit: usize) -> Option<Vec<u8>> {
    let mut metadata = message.metadata;
    metadata.truncation |= answers < message.answers.len() || extent == Extent::OnlyAnswers;
    let answers = &message.answers[..answers];
    let (authorities, additionals) = match extent {
        Extent::Whole => (&message.authorities[..], belonging(&message.additionals, answers)),
        Extent::OnlyAnswers => (&[][..], Vec::new()),
    };
    let mut buffer = Vec::with_capacity(PLAIN);
    let mut encoder = BinEncoder::new(&mut buffer);
    encoder.set_max_size(u16::try_from(limit).unwrap_or(u16::MAX));
    let header = emit_message_parts(
        &metadata,
        &mut message.queries.iter(),
        &mut answers.iter(),
        &mut authorities.iter(),
        &mut additionals.iter().copied(),
        message.edns.as_ref(),
        None,
        &mut encoder,
    );
    let wanted = [answers.len(), authorities.len(), additionals.len() + usize::from(message.edns.is_some())];
    // The encoder stops where the room ends; what it has counted says where that was.
    let whole = header.is_ok_and(|h| {
        [h.counts.answers, h.counts.authorities, h.counts.additionals].map(usize::from) == wanted
    });
    whole.then_some(buffer)
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
    use hickory_proto::op::{OpCode, Query};
    use hickory_proto::rr::RecordType;
    use hickory_proto::rr::rdata::{A, SRV};
    use std::str::FromStr;

    fn name(text: &str) -> Name {
        Name::from_str(text).unwrap()
    }

    /// `n` SRV records, each with the address of its target.
    fn services(n: u32, edns: bool) -> Message {
        let mut message = Message::response(7, OpCode::Query);
        let owner = name("web.service.consul.");
        message.add_query(Query::query(owner.clone(), RecordType::SRV));
        for i in 0..n {
            let target = name(&format!("node-{i}.node.dc1.consul."));
            let srv = SRV::new(1, 1, 8080, target.clone());
            message.add_answer(Record::from_rdata(owner.clone(), 0, RData::SRV(srv)));
            message.add_additional(Record::from_rdata(target, 0, RData::A(A(i.into()))));
        }
        if edns {
            message.set_edns(Edns::new());
        }
        message
    }

    fn fitted(message: &Message, bytes: usize, answers: usize) -> Message {
        let packet = fit(message, Room { bytes, answers }).unwrap();
        assert!(packet.len() <= bytes, "{} bytes in a room of {bytes}", packet.len());
        Message::from_vec(&packet).unwrap()
    }

    #[test]
    fn an_answer_that_fits_is_whole_and_not_marked() {
        let message = fitted(&services(3, true), 512, 3);
        assert!(!message.metadata.truncation);
        assert_eq!((message.answers.len(), message.additionals.len()), (3, 3));
    }

    #[test]
    fn whatever_is_left_out_is_marked_and_what_stays_is_complete() {
        for n in [1, 2, 3, 4, 10, 60, 1000] {
            for edns in [false, true] {
                for bytes in [512, 800, 1232, 4096, 65_535] {
                    for answers in [3, usize::MAX] {
                        let message = fitted(&services(n, edns), bytes, answers);
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
        let whole = services(60, true);
        let kept = fitted(&whole, 1232, usize::MAX).answers.len();
        assert!(encode(&whole, kept + 1, Extent::Whole, 1232).is_none());
    }

    #[test]
    fn an_answer_whose_explanation_does_not_fit_comes_without_it() {
        let long = name(&format!("{}.node.dc1.consul.", [&"x".repeat(60); 3].map(String::as_str).join(".")));
        let mut message = services(0, false);
        message.queries[0] = Query::query(long.clone(), RecordType::SRV);
        message.add_answer(Record::from_rdata(long.clone(), 0, RData::SRV(SRV::new(1, 1, 1, long.clone()))));
        for i in 0..20 {
            message.add_additional(Record::from_rdata(long.clone(), 0, RData::A(A(i.into()))));
        }
        let found = fitted(&message, 512, 3);
        assert!(found.metadata.truncation && found.answers.len() == 1 && found.additionals.is_empty());
    }
}
