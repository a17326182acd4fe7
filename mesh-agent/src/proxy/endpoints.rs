use std::net::SocketAddr;

/// One instance of a destination that can be dialled over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub address: SocketAddr,
}

/// Where the instances of one destination are. The consumer's port: the catalog lives elsewhere.
pub trait Endpoints: Send + Sync + 'static {
    /// Healthy instances in the order in which they are to be tried, already shuffled. Called on a worker
    /// thread for each connection, so it must answer from memory.
    fn candidates(&self) -> Vec<Endpoint>;
}
