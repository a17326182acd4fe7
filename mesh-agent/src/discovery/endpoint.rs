use crate::model::{CheckStatus, Node, NodeService};
use std::sync::Arc;

/// One instance of a service, where it is, and how it is.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub node: Arc<Node>,
    pub service: Arc<NodeService>,
    /// The worst of its checks and its node's.
    pub status: CheckStatus,
}

impl Endpoint {
    /// The service's address, or its node's where it has none: an IP address or a host name.
    pub fn address(&self) -> &str {
        if self.has_own_address() { &self.service.address } else { &self.node.address }
    }

    /// It is reached elsewhere than at its node's address.
    pub fn has_own_address(&self) -> bool {
        !self.service.address.is_empty() && self.service.address != self.node.address
    }

    /// Its share of traffic among endpoints, by its health.
    pub fn weight(&self) -> u16 {
        match self.status {
            CheckStatus::Passing => self.service.weights.passing,
            CheckStatus::Warning => self.service.weights.warning,
            CheckStatus::Critical => 0,
        }
    }

    /// Tags are compared without regard to case, as names are.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.service.tags.iter().any(|own| own.eq_ignore_ascii_case(tag))
    }
}

/// Which endpoints are fit to be named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Those that are passing.
    OnlyPassing,
    /// Those that are passing or in warning.
    #[default]
    NotCritical,
}

impl Health {
    pub fn accepts(self, status: CheckStatus) -> bool {
        match self {
            Self::OnlyPassing => status == CheckStatus::Passing,
            Self::NotCritical => status != CheckStatus::Critical,
        }
    }
}
