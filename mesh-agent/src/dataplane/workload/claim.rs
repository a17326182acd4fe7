use super::{Selector, SelectorError};
use crate::model::{Meta, ServiceName};
use std::net::SocketAddr;

/// A service that is registered on this host, and what its registration says of its processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub service: ServiceName,
    pub claim: Claim,
}

/// How the processes of an instance are to be found, besides those that `mesh run` started for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    Selected(Selector),
    /// Nothing is said; whoever listens here.
    Listens(SocketAddr),
    /// Nothing is said, and there is no port.
    Silent,
    /// What is said cannot be understood.
    Invalid(SelectorError),
}

impl Instance {
    /// `listens` is where its app takes connections, if it does.
    pub fn new(service: ServiceName, meta: &Meta, listens: Option<SocketAddr>) -> Self {
        let claim = match Selector::of(meta) {
            Ok(Some(selector)) => Claim::Selected(selector),
            Ok(None) => listens.filter(|at| at.port() != 0).map_or(Claim::Silent, Claim::Listens),
            Err(error) => Claim::Invalid(error),
        };
        Self { service, claim }
    }
}
