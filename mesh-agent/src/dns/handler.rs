use super::DnsOptions;
use super::answer::{Answer, Verdict};
use super::client::Client;
use super::recursor::{Errand, Recursor};
use super::reply::{self, Room};
use super::request::{Malformed, Request};
use super::responder::{Moment, Responder};
use crate::catalog::Catalog;
use crate::clock::Clock;
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::Name;

/// From packet to packet, the same for UDP and TCP.
pub(super) struct Handler {
    responder: Responder,
    recursor: Recursor,
    catalog: Catalog,
    clock: Clock,
    udp_answer_limit: usize,
}

/// What to do with a packet.
pub(super) enum Step {
    /// It deserves no answer.
    Silent,
    Reply(Vec<u8>),
    /// Somebody else must be asked first: see [`Handler::finish`].
    Onward(Box<Onward>),
}

/// A question that waits for a recursor.
pub(super) struct Onward {
    request: Request,
    client: Client,
    errand: Errand,
    /// What is known already, before the recursor's answers.
    begun: Answer,
}

impl Handler {
    pub(super) fn new(options: DnsOptions, catalog: Catalog, clock: Clock) -> Self {
        let recursor =
            Recursor::new(options.recursors.clone(), options.recursor_timeout, options.recursions_in_flight);
        let udp_answer_limit = options.udp_answer_limit;
        Self { responder: Responder::new(options), recursor, catalog, clock, udp_answer_limit }
    }

    /// Answers from the catalog, at once.
    pub(super) fn begin(&self, packet: &[u8], client: Client) -> Step {
        match Request::parse(packet) {
            Ok(request) => self.answer(request, client),
            Err(malformed) => malformed.reply().map_or(Step::Silent, Step::Reply),
        }
    }

    fn answer(&self, request: Request, client: Client) -> Step {
        let moment = Moment { seed: rand::random(), now: self.clock.now() };
        let catalog = self.catalog.state();
        match self.responder.answer(&*catalog, &request.query, moment) {
            Verdict::Foreign(_) if self.serves(&request, &client) => {
                let errand = errand(&request, request.query.name().clone());
                Step::Onward(Box::new(Onward { request, client, errand, begun: Answer::default() }))
            }
            Verdict::Alias(begun, target) if self.serves(&request, &client) => {
                let errand = errand(&request, target);
                Step::Onward(Box::new(Onward { request, client, errand, begun }))
            }
            Verdict::Final(answer) | Verdict::Foreign(answer) | Verdict::Alias(answer, _) => {
                Step::Reply(self.reply(&request, &client, answer))
            }
        }
    }

    /// Whether recursors are asked for this client, who must want it.
    fn serves(&self, request: &Request, client: &Client) -> bool {
        request.metadata.recursion_desired && self.recursion_available(client)
    }

    fn recursion_available(&self, client: &Client) -> bool {
        self.recursor.is_available() && client.may_recurse()
    }

    /// Completes an answer by what a recursor knows; bounded by the recursors' time-outs.
    pub(super) async fn finish(&self, onward: Onward) -> Vec<u8> {
        let Onward { request, client, errand, begun } = onward;
        let answer = match self.recursor.ask(&errand).await {
            Ok(found) => joined(begun, found),
            // An alias alone is worth more than nothing: the client may resolve it elsewhere.
            Err(_) if !begun.answers.is_empty() => begun,
            Err(error) => {
                tracing::warn!(name = %errand.query.name(), %error, "a foreign name was not resolved");
                Answer::code(ResponseCode::ServFail)
            }
        };
        self.reply(&request, &client, answer)
    }

    fn reply(&self, request: &Request, client: &Client, answer: Answer) -> Vec<u8> {
        let message = reply::message(request, answer, self.recursion_available(client));
        let room = Room::for_reply(client, request, self.udp_answer_limit);
        reply::fit(&message, room).unwrap_or_else(|| failure(request))
    }

    /// Both halves, for transports whose client waits for one answer before it gets the next.
    pub(super) async fn handle(&self, packet: &[u8], client: Client) -> Option<Vec<u8>> {
        match self.begin(packet, client) {
            Step::Silent => None,
            Step::Reply(reply) => Some(reply),
            Step::Onward(onward) => Some(self.finish(*onward).await),
        }
    }
}

fn errand(request: &Request, name: Name) -> Errand {
    let mut query = Query::query(name, request.query.query_type());
    query.set_query_class(request.query.query_class());
    let checking_disabled = request.metadata.checking_disabled;
    Errand { query, dnssec: request.dnssec, checking_disabled }
}

/// The recursor's answer, after an alias of ours where there is one.
fn joined(begun: Answer, found: Message) -> Answer {
    if begun.answers.is_empty() {
        return Answer {
            code: found.metadata.response_code,
            authoritative: false,
            answers: found.answers,
            authorities: found.authorities,
            additionals: found.additionals,
        };
    }
    let mut joined = begun;
    joined.answers.extend(found.answers);
    joined
}

/// The bare header that says that we failed.
fn failure(request: &Request) -> Vec<u8> {
    let (id, op_code) = (request.metadata.id, request.metadata.op_code);
    Malformed::Told { id, op_code, code: ResponseCode::ServFail }.reply().unwrap_or_default()
}
