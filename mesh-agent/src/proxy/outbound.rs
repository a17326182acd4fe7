use super::authorize::{AuthorizeRequest, Decision};
use super::config::Outgoing;
use super::connections::{ConnectionGuard, Home};
use super::context::Context;
use super::endpoints::Endpoint;
use super::failure::{Attempts, Failure};
use super::handshake::{Handshake, HandshakeError};
use super::leg::dial;
use super::listener::OutboundRoute;
use super::relay::Relay;
use super::session::Pair;
use std::io;
use std::net::SocketAddr;
use std::vec::IntoIter;

/// Instances tried for one connection.
const TRIED: usize = 8;

/// An application's connection on its way to an instance of the destination, one after the other.
#[derive(Default)]
pub(super) struct Outbound {
    search: Option<Box<Search>>,
}

struct Search {
    outgoing: Outgoing,
    remaining: IntoIter<Endpoint>,
    address: SocketAddr,
    /// `None` until the socket is connected.
    handshake: Option<Box<Handshake>>,
    failed: Attempts,
}

impl Outbound {
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns to the instances at once, or, where somebody has to be asked, registers the connection and asks.
    pub fn begin(
        &mut self,
        route: &OutboundRoute,
        pair: &mut Pair,
        context: &Context,
    ) -> Result<Option<ConnectionGuard>, Failure> {
        let Some(authorize) = &route.authorize else {
            return self.search(route, pair, context).map(|()| None);
        };
        let Outgoing { source: client, serial, .. } = route.configs.current()?;
        let request = AuthorizeRequest { client, serial, target: route.destination.clone() };
        let home =
            Home { authorize: authorize.clone(), mailbox: context.mailbox().clone(), token: pair.token };
        pair.within(context.options.authorize_timeout);
        Ok(Some(context.manager.admit(request, &home)))
    }

    /// An authorization was answered: the first one opens the way, later ones can only close it.
    pub fn decided(
        &mut self,
        decision: Decision,
        route: &OutboundRoute,
        pair: &mut Pair,
        context: &Context,
    ) -> Result<(), Failure> {
        match (decision.allowed, &self.search) {
            (false, _) => Err(Failure::Denied { reason: decision.reason }),
            (true, None) => self.search(route, pair, context),
            (true, Some(_)) => Ok(()),
        }
    }

    fn search(&mut self, route: &OutboundRoute, pair: &mut Pair, context: &Context) -> Result<(), Failure> {
        let outgoing = route.configs.current()?;
        let mut candidates = route.endpoints.candidates();
        candidates.truncate(TRIED);
        let first = candidates.first().ok_or(Failure::NoEndpoint)?.address;
        let mut search = Search {
            outgoing,
            remaining: candidates.into_iter(),
            address: first,
            handshake: None,
            failed: Attempts::default(),
        };
        search.next(pair, context)?;
        self.search = Some(Box::new(search));
        Ok(())
    }

    /// The relay, once an instance has proved to be the destination.
    pub fn advance(&mut self, pair: &mut Pair, context: &mut Context) -> Result<Option<Relay>, Failure> {
        if let Some(error) = pair.app.take_error() {
            return Err(Failure::Abandoned(error));
        }
        let Some(search) = &mut self.search else { return Ok(None) };
        loop {
            match search.attempt(pair, context) {
                Ok(false) => return Ok(None),
                Ok(true) => break,
                Err(failure) => search.failed(failure, pair, context)?,
            }
        }
        let handshake = search.handshake.take().ok_or(HandshakeError::Closed)?;
        let (connection, behind) = handshake.finish();
        Ok(Some(Relay::new(connection, &behind, context)?))
    }

    /// The instance at hand, or the authorizer, took too long.
    pub fn late(&mut self, pair: &mut Pair, context: &Context) -> Result<(), Failure> {
        let seconds = context.options.authorize_timeout.as_secs();
        let search = self.search.as_mut().ok_or(Failure::NoAnswer { seconds })?;
        let failure = match search.handshake {
            Some(_) => HandshakeError::Late { seconds: context.options.handshake_timeout.as_secs() }.into(),
            None => Failure::Dial(io::ErrorKind::TimedOut.into()),
        };
        search.failed(failure, pair, context)
    }
}

impl Search {
    /// Notes why this instance was no good and turns to the next.
    fn failed(&mut self, failure: Failure, pair: &mut Pair, context: &Context) -> Result<(), Failure> {
        self.failed.0.push((self.address, failure));
        self.next(pair, context)
    }

    /// Dials instances until one dial is under way.
    fn next(&mut self, pair: &mut Pair, context: &Context) -> Result<(), Failure> {
        self.handshake = None;
        for Endpoint { address } in self.remaining.by_ref() {
            self.address = address;
            let dialled =
                dial(address).inspect(|stream| context.crew.dialled(context.worker, stream, address));
            match dialled.and_then(|stream| pair.set_peer(stream, context)) {
                Ok(()) => {
                    pair.within(context.options.connect_timeout);
                    return Ok(());
                }
                Err(error) => self.failed.0.push((address, Failure::Dial(error))),
            }
        }
        Err(Failure::Unreachable {
            source_id: self.outgoing.source.clone(),
            destination: self.outgoing.destination.clone(),
            attempts: std::mem::take(&mut self.failed),
        })
    }

    /// True once the instance is authenticated.
    fn attempt(&mut self, pair: &mut Pair, context: &Context) -> Result<bool, Failure> {
        if let Some(error) = pair.peer.take_error() {
            return Err(Failure::Dial(error));
        }
        if let Some(handshake) = &mut self.handshake {
            return Ok(handshake.advance(&mut pair.peer)?);
        }
        if !pair.peer.writable() {
            return Ok(false);
        }
        pair.within(context.options.handshake_timeout);
        let Outgoing { config, name, .. } = &self.outgoing;
        let handshake = self.handshake.insert(Handshake::client(config.clone(), name.clone())?);
        Ok(handshake.advance(&mut pair.peer)?)
    }
}
