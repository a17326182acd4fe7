use super::browser::AllowedHosts;
use super::token::Token;
use crate::acl;
use crate::catalog::{Catalog, Later};
use crate::clock::Clock;
use crate::model::{Datacenter, IntentionAction, NodeName};
use crate::policy::Authorizer;
use http::{HeaderName, HeaderValue};
use std::sync::Arc;

/// What the doors open onto. Clones share everything.
#[derive(Clone)]
pub struct Deps {
    pub catalog: Catalog,
    pub authorizer: Authorizer,
    pub tokens: Arc<dyn Tokens>,
    pub control: Arc<dyn Control>,
    pub facts: Arc<AgentFacts>,
    pub clock: Clock,
}

/// Finds out what the bearer of a token may do.
pub trait Tokens: Send + Sync {
    /// An unknown token is a caller whom nothing is allowed.
    fn authorizer(&self, token: &Token) -> Arc<dyn acl::Authorizer>;
    /// Whether there are tokens at all.
    fn enabled(&self) -> bool;
}

/// ACLs are off: everybody may do everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTokens;

impl Tokens for NoTokens {
    fn authorizer(&self, _: &Token) -> Arc<dyn acl::Authorizer> {
        Arc::new(acl::AllowAll)
    }
    fn enabled(&self) -> bool {
        false
    }
}

/// What the house lets a caller do to the agent as a whole.
pub trait Control: Send + Sync {
    /// Reads the configuration again; the error is for people and names what is wrong.
    fn reload(&self) -> Later<'_, Result<(), String>>;
    /// Begins to leave; returns before the agent has stopped.
    fn leave(&self) -> Later<'_, Result<(), String>>;
}

/// What does not change while the agent runs.
#[derive(Clone, Debug)]
pub struct AgentFacts {
    pub node: NodeName,
    pub node_id: uuid::Uuid,
    pub datacenter: Datacenter,
    /// The address that other agents reach this one at.
    pub address: String,
    pub server: bool,
    /// `1.2.4`, as clients parse it.
    pub version: String,
    pub revision: String,
    /// What intentions say where none matches.
    pub default_policy: IntentionAction,
    /// The configuration in effect, without secrets, for `/v1/agent/self`.
    pub debug_config: serde_json::Value,
    /// Added to every answer (`http_config.response_headers`).
    pub response_headers: Vec<(HeaderName, HeaderValue)>,
    pub allowed_hosts: AllowedHosts,
}
