use super::authorize::{AuthorizeRequest, Decision};
use super::connections::{ConnectionGuard, Home};
use super::context::Context;
use super::engine::EngineOptions;
use super::failure::Failure;
use super::handshake::{Connection, Handshake, HandshakeError};
use super::leg::dial;
use super::listener::InboundRoute;
use super::relay::Relay;
use super::session::Pair;
use super::verify::read_identity;
use std::io;

/// A peer's connection on its way to the application: handshake, identity, policy, application.
pub(super) struct Inbound {
    stage: Stage,
}

enum Stage {
    Accepted,
    Handshake(Box<Handshake>),
    /// Waits for the authorizer.
    Authorizing(Established),
    /// Waits for the application.
    Dialing(Established),
}

/// An authenticated connection, and what came behind its handshake.
struct Established {
    connection: Connection,
    behind: Vec<u8>,
}

impl Inbound {
    pub fn new() -> Self {
        Self { stage: Stage::Accepted }
    }

    pub fn begin(&mut self, route: &InboundRoute, pair: &mut Pair, context: &Context) -> Result<(), Failure> {
        let config = route.configs.current()?;
        self.stage = Stage::Handshake(Handshake::server(config)?);
        pair.within(context.options.handshake_timeout);
        Ok(())
    }

    /// The relay, once everything before it is done.
    pub fn advance(
        &mut self,
        route: &InboundRoute,
        pair: &mut Pair,
        guard: &mut Option<ConnectionGuard>,
        context: &mut Context,
    ) -> Result<Option<Relay>, Failure> {
        match &mut self.stage {
            Stage::Handshake(handshake) => {
                if handshake.advance(&mut pair.peer)? {
                    *guard = Some(self.authenticated(route, pair, context)?);
                }
                Ok(None)
            }
            Stage::Dialing(_) => {
                if let Some(source) = pair.app.take_error() {
                    return Err(Failure::NoApp { address: route.app, source });
                }
                if !pair.app.writable() {
                    return gone(pair).map_or(Ok(None), Err);
                }
                self.relay(context)
            }
            Stage::Accepted | Stage::Authorizing(_) => gone(pair).map_or(Ok(None), Err),
        }
    }

    /// The client has proved who it is: it is registered first, and then authorized.
    fn authenticated(
        &mut self,
        route: &InboundRoute,
        pair: &mut Pair,
        context: &mut Context,
    ) -> Result<ConnectionGuard, Failure> {
        let Stage::Handshake(handshake) = std::mem::replace(&mut self.stage, Stage::Accepted) else {
            unreachable!("only a handshake authenticates");
        };
        let (connection, behind) = handshake.finish();
        let certificate = connection.peer_certificate().ok_or(HandshakeError::NoCertificate)?;
        let presented = read_identity(certificate).map_err(|error| HandshakeError::Tls(error.into()))?;
        self.stage = Stage::Authorizing(Established { connection, behind });
        pair.within(context.options.authorize_timeout);
        let request = AuthorizeRequest {
            client: presented.id,
            serial: presented.serial,
            target: route.service.clone(),
        };
        let home = Home {
            authorize: route.authorize.clone(),
            mailbox: context.mailbox().clone(),
            token: pair.token,
        };
        Ok(context.manager.admit(request, &home))
    }

    pub fn decided(
        &mut self,
        decision: Decision,
        route: &InboundRoute,
        pair: &mut Pair,
        context: &Context,
    ) -> Result<(), Failure> {
        if !decision.allowed {
            return Err(Failure::Denied { reason: decision.reason });
        }
        match std::mem::replace(&mut self.stage, Stage::Accepted) {
            Stage::Authorizing(established) => {
                self.stage = Stage::Dialing(established);
                pair.within(context.options.connect_timeout);
                let stream =
                    dial(route.app).map_err(|source| Failure::NoApp { address: route.app, source })?;
                pair.set_app(stream, context)?;
            }
            other => self.stage = other,
        }
        Ok(())
    }

    fn relay(&mut self, context: &mut Context) -> Result<Option<Relay>, Failure> {
        let Stage::Dialing(Established { connection, behind }) =
            std::mem::replace(&mut self.stage, Stage::Accepted)
        else {
            return Ok(None);
        };
        Ok(Some(Relay::new(connection, &behind, context)?))
    }

    /// What a passed deadline means.
    pub fn late(&self, route: &InboundRoute, options: &EngineOptions) -> Failure {
        match self.stage {
            Stage::Accepted | Stage::Handshake(_) => {
                HandshakeError::Late { seconds: options.handshake_timeout.as_secs() }.into()
            }
            Stage::Authorizing(_) => Failure::NoAnswer { seconds: options.authorize_timeout.as_secs() },
            Stage::Dialing(_) => {
                Failure::NoApp { address: route.app, source: io::ErrorKind::TimedOut.into() }
            }
        }
    }
}

/// The client has reset the connection while it waited.
fn gone(pair: &mut Pair) -> Option<Failure> {
    pair.peer.take_error().map(Failure::Abandoned)
}
