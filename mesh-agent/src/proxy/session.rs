use super::authorize::Decision;
use super::connections::ConnectionGuard;
use super::context::Context;
use super::failure::{Failure, Parties};
use super::inbound::Inbound;
use super::leg::Leg;
use super::listener::Route;
use super::outbound::Outbound;
use super::poller::Event;
use super::relay::{Relay, Turn};
use super::sessions::{Key, Side, Token};
use std::fmt::Display;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The two sockets of a session and the deadline of what it waits for.
pub(super) struct Pair {
    pub app: Leg,
    pub peer: Leg,
    pub token: Token,
    pub deadline: Option<Instant>,
}

impl Pair {
    pub fn set_app(&mut self, stream: TcpStream, context: &Context) -> io::Result<()> {
        let epoch = self.app.set(stream);
        self.app.watch(&context.poller, Key::Leg(self.token, Side::App, epoch).pack())
    }

    pub fn set_peer(&mut self, stream: TcpStream, context: &Context) -> io::Result<()> {
        let epoch = self.peer.set(stream);
        self.peer.watch(&context.poller, Key::Leg(self.token, Side::Peer, epoch).pack())
    }

    pub fn within(&mut self, time: Duration) {
        self.deadline = Some(Instant::now() + time);
    }
}

impl Drop for Pair {
    /// Whatever was not closed in order is reset: nobody may take a part for the whole.
    fn drop(&mut self) {
        self.app.reset();
        self.peer.reset();
    }
}

enum Phase {
    Inbound(Inbound),
    Outbound(Outbound),
    Relay(Box<Relay>),
}

/// One connection of an application through the mesh: from accept to close.
pub(super) struct Session {
    pub pair: Pair,
    phase: Phase,
    route: Arc<Route>,
    from: SocketAddr,
    guard: Option<ConnectionGuard>,
}

impl Session {
    /// A session for a connection that comes from a listener.
    pub fn new(from: SocketAddr, route: Arc<Route>, token: Token) -> Self {
        let pair = Pair { app: Leg::default(), peer: Leg::default(), token, deadline: None };
        let phase = match &*route {
            Route::Inbound(_) => Phase::Inbound(Inbound::new()),
            Route::Outbound(_) => Phase::Outbound(Outbound::new()),
        };
        Self { pair, phase, route, from, guard: None }
    }

    /// Puts the accepted socket in place and begins.
    pub fn begin(&mut self, stream: TcpStream, context: &mut Context) -> Result<Turn, Failure> {
        match (&mut self.phase, &*self.route) {
            (Phase::Inbound(inbound), Route::Inbound(route)) => {
                self.pair.set_peer(stream, context)?;
                inbound.begin(route, &mut self.pair, context)?;
            }
            (Phase::Outbound(outbound), Route::Outbound(route)) => {
                self.pair.set_app(stream, context)?;
                self.guard = outbound.begin(route, &mut self.pair, context)?;
            }
            _ => {}
        }
        Ok(Turn::Waiting)
    }

    pub fn note(&mut self, side: Side, epoch: u8, event: Event) {
        match side {
            Side::App => self.pair.app.note(event, epoch),
            Side::Peer => self.pair.peer.note(event, epoch),
        }
    }

    /// Goes as far as the sockets allow.
    pub fn advance(&mut self, context: &mut Context) -> Result<Turn, Failure> {
        let pair = &mut self.pair;
        let relay = match (&mut self.phase, &*self.route) {
            (Phase::Relay(relay), _) => return Ok(relay.advance(&mut pair.app, &mut pair.peer, context)?),
            (Phase::Inbound(inbound), Route::Inbound(route)) => {
                inbound.advance(route, pair, &mut self.guard, context)?
            }
            (Phase::Outbound(outbound), _) => outbound.advance(pair, context)?,
            _ => None,
        };
        let Some(relay) = relay else { return Ok(Turn::Waiting) };
        self.pair.deadline = None;
        self.phase = Phase::Relay(Box::new(relay));
        self.advance(context)
    }

    /// An authorization was answered.
    pub fn decided(&mut self, decision: Decision, context: &mut Context) -> Result<Turn, Failure> {
        match (&mut self.phase, &*self.route) {
            (Phase::Inbound(inbound), Route::Inbound(route)) => {
                inbound.decided(decision, route, &mut self.pair, context)?;
            }
            (Phase::Outbound(outbound), Route::Outbound(route)) => {
                outbound.decided(decision, route, &mut self.pair, context)?;
            }
            (Phase::Relay(_), _) if !decision.allowed => {
                return Err(Failure::Cut { reason: decision.reason });
            }
            _ => self.pair.deadline = None,
        }
        self.advance(context)
    }

    /// A new authorization was asked for; until it is answered the connection lives on.
    pub fn rechecking(&mut self, context: &Context) {
        if matches!(self.phase, Phase::Relay(_)) {
            self.pair.within(context.options.authorize_timeout);
        }
    }

    /// When something is to happen though no socket changes.
    pub fn wake(&self) -> Option<Instant> {
        let retry = if let Phase::Relay(relay) = &self.phase { relay.retry() } else { None };
        [self.pair.deadline, retry].into_iter().flatten().min()
    }

    /// The time has come for what [`Session::wake`] said.
    pub fn woken(&mut self, now: Instant, context: &mut Context) -> Result<Turn, Failure> {
        if self.pair.deadline.is_some_and(|at| at <= now) {
            self.expired(context)
        } else {
            self.advance(context)
        }
    }

    fn expired(&mut self, context: &mut Context) -> Result<Turn, Failure> {
        match (&mut self.phase, &*self.route) {
            (Phase::Inbound(inbound), Route::Inbound(route)) => Err(inbound.late(route, &context.options)),
            (Phase::Outbound(outbound), _) => {
                outbound.late(&mut self.pair, context)?;
                self.advance(context)
            }
            _ => Err(Failure::NoAnswer { seconds: context.options.authorize_timeout.as_secs() }),
        }
    }

    /// Both directions have ended: closes without a reset.
    pub fn finish(&mut self) {
        self.pair.app.close();
        self.pair.peer.close();
    }

    /// The one log line of a connection that failed, unless it repeats what the log has just said.
    pub fn report(&self, failure: &Failure, context: &Context) {
        failure.count(&context.counters);
        let left_out = match (failure, &*self.route) {
            (Failure::NoEndpoint, Route::Outbound(route)) => match route.without_endpoint.due(Instant::now())
            {
                None => return,
                due => due.filter(|lines| *lines > 0),
            },
            _ => None,
        };
        failure.log(&Parties { left_out, ..self.parties() });
    }

    fn parties(&self) -> Parties<'_> {
        let (direction, from, to): (_, &dyn Display, _) = match (&*self.route, &self.guard) {
            (Route::Inbound(route), Some(guard)) => ("inbound", &guard.connection.client, &route.service),
            (Route::Inbound(route), None) => ("inbound", &self.from, &route.service),
            (Route::Outbound(route), _) => ("outbound", &route.source, &route.destination),
        };
        Parties { direction, from, to, left_out: None }
    }
}
