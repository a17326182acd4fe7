use super::answer::Answered;
use super::call::Call;
use crate::acl::Access;
use http::Method;
use std::future::Future;
use std::pin::Pin;

/// An answer under way.
pub type Pending = Pin<Box<dyn Future<Output = Answered> + Send>>;
pub type Handler = fn(Call) -> Pending;

/// Where a request is answered; other nodes pass it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Anywhere,
    Servers,
    Leader,
}

/// One row of the route table.
#[derive(Debug)]
pub struct Route {
    pub method: Method,
    /// With a slash at the end it stands for every path below it, and what follows is the name of a thing.
    pub path: &'static str,
    /// What the caller's token must allow on some name at least; the handler asks for the name itself, once
    /// it knows it from the path, the body or the state.
    pub access: Access,
    /// Longest body, in bytes.
    pub body_limit: usize,
    /// Who can answer it.
    pub place: Place,
    /// The primary datacenter answers it for all.
    pub primary: bool,
    /// The answer goes on until somebody hangs up.
    pub streams: bool,
    /// It sorts by distance where it is asked to, which only servers can.
    pub sorts: bool,
    pub handler: Handler,
}

/// Longest body unless a route says otherwise: Consul's limit for a stored value.
pub const BODY_LIMIT: usize = 512 * 1024;

impl Route {
    pub const fn new(method: Method, path: &'static str, access: Access, handler: Handler) -> Self {
        Self {
            method,
            path,
            access,
            body_limit: BODY_LIMIT,
            place: Place::Anywhere,
            primary: false,
            streams: false,
            sorts: false,
            handler,
        }
    }

    #[must_use]
    pub const fn get(path: &'static str, access: Access, handler: Handler) -> Self {
        Self::new(Method::GET, path, access, handler).body_limit(0)
    }

    #[must_use]
    pub const fn put(path: &'static str, access: Access, handler: Handler) -> Self {
        Self::new(Method::PUT, path, access, handler)
    }

    #[must_use]
    pub const fn post(path: &'static str, access: Access, handler: Handler) -> Self {
        Self::new(Method::POST, path, access, handler)
    }

    #[must_use]
    pub const fn delete(path: &'static str, access: Access, handler: Handler) -> Self {
        Self::new(Method::DELETE, path, access, handler).body_limit(0)
    }

    /// A client agent passes it on: its view does not have what this shows.
    #[must_use]
    pub const fn at_servers(mut self) -> Self {
        self.place = Place::Servers;
        self
    }

    /// Everybody else passes it on.
    #[must_use]
    pub const fn at_leader(mut self) -> Self {
        self.place = Place::Leader;
        self
    }

    /// What it changes is the primary datacenter's.
    #[must_use]
    pub const fn at_primary(mut self) -> Self {
        self.primary = true;
        self
    }

    /// With `?near=` a client agent passes it on.
    #[must_use]
    pub const fn sorting(mut self) -> Self {
        self.sorts = true;
        self
    }

    #[must_use]
    pub const fn streaming(mut self) -> Self {
        self.streams = true;
        self
    }

    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// It speaks of a datacenter, and not of this agent alone.
    pub fn in_datacenter(&self) -> bool {
        const OF_THIS_AGENT: [&str; 5] =
            ["/v1/agent/", "/ui/", "/v1/event/list", "/v1/catalog/datacenters", "/v1/coordinate/datacenters"];
        !OF_THIS_AGENT.iter().any(|path| self.path.starts_with(path))
    }

    /// What follows the path of a route that ends with a slash.
    pub fn named(&self) -> bool {
        self.path.ends_with('/')
    }
}
