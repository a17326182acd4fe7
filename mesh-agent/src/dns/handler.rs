use super::DnsOptions;
use super::across::{self, Across};
use super::answer::{Answer, Verdict};
use super::client::Client;
use super::recursor::{Errand, Recursor};
use super::reply::{Reply, Room};
use super::request;
use super::responder::{Moment, Responder};
use crate::catalog::Catalog;
use crate::clock::Clock;
use async_trait::async_trait;
use futures_util::StreamExt;
use hickory_proto::op::{Header, HeaderCounts, Message, Query, ResponseCode};
use hickory_proto::rr::Name;
use hickory_server::net::BufDnsStreamHandle;
use hickory_server::net::runtime::{Time, TokioTime};
use hickory_server::net::xfer::Protocol;
use hickory_server::server::{Request, RequestHandler, ResponseHandle, ResponseHandler, ResponseInfo};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// From request to reply, the same for UDP and TCP. Clones share everything.
#[derive(Clone)]
pub(super) struct Handler {
    responder: Arc<Responder>,
    recursor: Arc<Recursor>,
    catalog: Catalog,
    clock: Clock,
    udp_answer_limit: usize,
    across: Arc<dyn Across>,
    /// Questions that may wait for other datacenters.
    waiting: Arc<Semaphore>,
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        replies: R,
    ) -> ResponseInfo {
        let transport = if Client::of(request).speaks_udp() { "udp" } else { "tcp" };
        metrics::counter!("dns.queries", "transport" => transport).increment(1);
        let answer = match request::question(request) {
            Ok(query) => self.answer(request, query).await,
            Err(code) => Answer::code(code),
        };
        self.send(request, answer, replies).await
    }
}

impl Handler {
    pub(super) fn new(options: DnsOptions, catalog: Catalog, clock: Clock, across: Arc<dyn Across>) -> Self {
        let recursor =
            Recursor::new(options.recursors.clone(), options.recursor_timeout, options.recursions_in_flight);
        let udp_answer_limit = options.udp_answer_limit;
        let waiting = Arc::new(Semaphore::new(options.recursions_in_flight.min(Semaphore::MAX_PERMITS)));
        let responder = Arc::new(Responder::new(options));
        Self { responder, recursor: Arc::new(recursor), catalog, clock, udp_answer_limit, across, waiting }
    }

    /// The reply to a question about our zones; `None` to any other.
    pub(super) async fn answer_ours(
        &self,
        packet: &[u8],
        client: SocketAddr,
        protocol: Protocol,
    ) -> Option<Vec<u8>> {
        let request = Request::from_bytes(packet.to_vec(), client, protocol).ok()?;
        let query = request::question(&request).ok()?;
        match self.verdict(query) {
            Verdict::Foreign(_) => None,
            _ => self.answer_any(packet, client, protocol).await,
        }
    }

    /// The reply to any question; `None` to what is none.
    pub(super) async fn answer_any(
        &self,
        packet: &[u8],
        client: SocketAddr,
        protocol: Protocol,
    ) -> Option<Vec<u8>> {
        let request = Request::from_bytes(packet.to_vec(), client, protocol).ok()?;
        let (replies, mut sent) = BufDnsStreamHandle::new(client);
        let replies = ResponseHandle::new(client, replies, protocol);
        self.handle_request::<_, TokioTime>(&request, replies).await;
        sent.next().await.map(|reply| reply.into_parts().0)
    }

    /// From the catalog at once, or with the help of a recursor, bounded by the recursors' time-outs.
    async fn answer(&self, request: &Request, query: &Query) -> Answer {
        match self.verdict(query) {
            Verdict::Foreign(_) if self.serves(request) => {
                self.recurse(errand(request, query, query.name().clone()), Answer::default()).await
            }
            Verdict::Alias(begun, target) if self.serves(request) => {
                self.recurse(errand(request, query, target), begun).await
            }
            Verdict::Across(datacenter) => match self.waiting.try_acquire() {
                Ok(_waits) => across::ask(&*self.across, datacenter, query).await,
                Err(_) => Answer::code(ResponseCode::ServFail),
            },
            Verdict::FailOver(name, otherwise) => self.fail_over(query, name, otherwise).await,
            Verdict::Final(answer) | Verdict::Foreign(answer) | Verdict::Alias(answer, _) => answer,
        }
    }

    async fn fail_over(&self, query: &Query, name: String, otherwise: Answer) -> Answer {
        let Ok(_waits) = self.waiting.try_acquire() else { return Answer::code(ResponseCode::ServFail) };
        match across::execute(&*self.across, name).await {
            Ok(Some(found)) => {
                self.responder.found_elsewhere(&*self.catalog.state(), query, found, self.moment())
            }
            Ok(None) => otherwise,
            Err(_) => Answer::code(ResponseCode::ServFail),
        }
    }

    fn verdict(&self, query: &Query) -> Verdict {
        self.responder.answer(&*self.catalog.state(), query, self.moment())
    }

    fn moment(&self) -> Moment {
        Moment { seed: rand::random(), now: self.clock.now() }
    }

    /// Whether recursors are asked for this client, who must want it.
    fn serves(&self, request: &Request) -> bool {
        request.metadata.recursion_desired && self.recursion_available(request)
    }

    fn recursion_available(&self, request: &Request) -> bool {
        self.recursor.is_available() && Client::of(request).may_recurse()
    }

    /// Completes what is known already by what a recursor knows.
    async fn recurse(&self, errand: Errand, begun: Answer) -> Answer {
        match self.recursor.ask(&errand).await {
            Ok(found) => joined(begun, found),
            // An alias alone is worth more than nothing: the client may resolve it elsewhere.
            Err(_) if !begun.answers.is_empty() => begun,
            Err(error) => {
                tracing::warn!(name = %errand.query.name(), %error, "a foreign name was not resolved");
                Answer::code(ResponseCode::ServFail)
            }
        }
    }

    /// Trims before the library encodes, whose own trimming would tear answers from their addresses.
    async fn send(
        &self,
        request: &Request,
        answer: Answer,
        mut replies: impl ResponseHandler,
    ) -> ResponseInfo {
        let reply = Reply::new(request, answer, self.recursion_available(request));
        let kept = reply.fit(Room::for_reply(request, self.udp_answer_limit));
        let sent = replies.send_response(reply.response(&kept)).await;
        sent.unwrap_or_else(|error| {
            tracing::debug!(%error, client = %request.src(), "sending a DNS reply failed");
            Header { metadata: reply.metadata(), counts: HeaderCounts::default() }.into()
        })
    }
}

fn errand(request: &Request, asked: &Query, name: Name) -> Errand {
    let mut query = Query::query(name, asked.query_type());
    query.set_query_class(asked.query_class());
    let checking_disabled = request.metadata.checking_disabled;
    Errand { query, dnssec: request::wants_signatures(request), checking_disabled }
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
