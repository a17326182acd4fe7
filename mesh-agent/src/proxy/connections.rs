use super::authorize::{Answer, Authorize, AuthorizeRequest};
use super::mailbox::{Mail, Mailbox};
use super::sessions::Token;
use crate::clock::{Clock, Timestamp};
use crate::model::ServiceName;
use crate::pki::SpiffeId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A connection whose client is known for sure: by its certificate where it came in over TLS, by the kernel
/// where it was captured on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveConnection {
    pub client: SpiffeId,
    /// The client certificate's serial number, lower-case hex joined by colons.
    pub serial: String,
    pub target: ServiceName,
    pub since: Timestamp,
}

impl LiveConnection {
    pub(super) fn request(&self) -> AuthorizeRequest {
        AuthorizeRequest {
            client: self.client.clone(),
            serial: self.serial.clone(),
            target: self.target.clone(),
        }
    }
}

/// How a live connection is authorized again, and where it lives.
#[derive(Clone)]
pub(super) struct Home {
    pub authorize: Arc<dyn Authorize>,
    pub mailbox: Arc<Mailbox>,
    pub token: Token,
}

impl Home {
    /// Asks; the answer goes to the worker that holds the connection.
    pub fn ask(&self, request: AuthorizeRequest) {
        let (mailbox, token) = (self.mailbox.clone(), self.token);
        self.authorize
            .authorize(request, Answer::new(move |decision| mailbox.post(Mail::Verdict(token, decision))));
    }
}

/// Knows every inbound and every captured connection from before it is authorized until it is gone, so that a change of
/// policy between the two misses none.
#[derive(Default)]
pub struct ConnectionManager {
    live: Mutex<HashMap<u64, (Arc<LiveConnection>, Home)>>,
    next: AtomicU64,
}

impl ConnectionManager {
    fn live(&self) -> MutexGuard<'_, HashMap<u64, (Arc<LiveConnection>, Home)>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers the connection first, and then asks.
    pub(super) fn admit(self: &Arc<Self>, request: AuthorizeRequest, home: &Home) -> ConnectionGuard {
        let guard = self.register(request.clone(), home.clone());
        home.ask(request);
        guard
    }

    fn register(self: &Arc<Self>, request: AuthorizeRequest, home: Home) -> ConnectionGuard {
        let AuthorizeRequest { client, serial, target } = request;
        let since = Clock::System.now();
        let connection = Arc::new(LiveConnection { client, serial, target, since });
        let id = self.next.fetch_add(1, Relaxed);
        self.live().insert(id, (connection.clone(), home));
        ConnectionGuard { manager: self.clone(), id, connection }
    }

    /// The connections that are open now, in no order.
    pub fn connections(&self) -> Vec<LiveConnection> {
        self.live().values().map(|(connection, _)| LiveConnection::clone(connection)).collect()
    }

    /// Authorizes every open connection again; those now refused are cut. Call it when policy has changed.
    /// An authorizer that does not answer within the engine's deadline cuts the connection too.
    pub fn recheck(&self) {
        let live: Vec<_> = self.live().values().cloned().collect();
        for (connection, home) in live {
            home.mailbox.post(Mail::Recheck(home.token));
            home.ask(connection.request());
        }
    }
}

/// Keeps a connection listed while it lives.
pub(super) struct ConnectionGuard {
    manager: Arc<ConnectionManager>,
    id: u64,
    pub connection: Arc<LiveConnection>,
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.manager.live().remove(&self.id);
    }
}
