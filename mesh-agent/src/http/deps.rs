use super::browser::AllowedHosts;
use super::token::Token;
use crate::acl;
use crate::ca::{CaError, CaManager};
use crate::catalog::{Catalog, Later};
use crate::clock::Clock;
use crate::event::{Broadcast, EventLog, ThisNode};
use crate::gossip::Gossip;
use crate::leaf::{LeafError, LeafManager};
use crate::local::LocalState;
use crate::model::{CaConfig, Datacenter, IntentionAction, IssuedCert, NodeName, Opaque, ServiceName};
use crate::policy::Authorizer;
use crate::raft::Server;
use crate::session::Sessions;
use crate::telemetry::{Logs, Metrics};
use crate::wire::{PassedAnswer, PassedRequest};
use http::{HeaderName, HeaderValue};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What the data plane says of itself, by name.
pub type DataPlaneFacts = BTreeMap<String, String>;

/// Says how connections come into the mesh.
pub trait DataPlane: Send + Sync {
    fn facts(&self) -> Later<'_, DataPlaneFacts>;
}

impl DataPlane for DataPlaneFacts {
    fn facts(&self) -> Later<'_, DataPlaneFacts> {
        Box::pin(async { self.clone() })
    }
}

/// What the doors open onto. Clones share everything.
#[derive(Clone)]
pub struct Deps {
    pub catalog: Catalog,
    pub local: Arc<LocalState>,
    pub ca: Arc<dyn Authority>,
    pub leaves: Arc<dyn Leaves>,
    pub sessions: Sessions,
    pub events: Events,
    pub authorizer: Authorizer,
    pub tokens: Arc<dyn Tokens>,
    pub elsewhere: Arc<dyn Elsewhere>,
    pub control: Arc<dyn Control>,
    /// Absent on an agent that is no server.
    pub operator: Option<Arc<dyn Operator>>,
    /// Names in DNS, for other datacenters.
    pub names: Arc<dyn Names>,
    /// Absent where the agent is a cluster of its own.
    pub gossip: Option<Gossip>,
    /// The servers of all datacenters; absent on an agent that is no server.
    pub wan: Option<Gossip>,
    pub logs: Logs,
    pub metrics: Metrics,
    pub dataplane: Arc<dyn DataPlane>,
    pub facts: Arc<AgentFacts>,
    pub settings: Arc<HttpSettings>,
    pub clock: Clock,
}

/// User events: those that this node has heard, and who carries new ones.
#[derive(Clone)]
pub struct Events {
    pub log: Arc<EventLog>,
    pub carrier: Arc<dyn Broadcast>,
}

impl Events {
    /// Of a node that has no others to tell.
    pub fn of_one(node: Arc<dyn ThisNode>) -> Self {
        let log = Arc::new(EventLog::new(node));
        Self { carrier: log.clone(), log }
    }
}

/// The certificate authority, on this node or on the servers.
pub trait Authority: Send + Sync {
    /// How leaves are signed, without any key.
    ///
    /// # Errors
    /// There is no authority yet.
    fn configuration(&self) -> Result<CaConfig, CaError>;
    /// Another key or root makes a rotation.
    ///
    /// # Errors
    /// It was refused, or could not be carried out.
    fn configure<'a>(&'a self, provider: &'a str, config: &'a Opaque) -> Later<'a, Result<(), CaError>>;
}

impl Authority for CaManager {
    fn configuration(&self) -> Result<CaConfig, CaError> {
        Self::configuration(self)
    }

    fn configure<'a>(&'a self, provider: &'a str, config: &'a Opaque) -> Later<'a, Result<(), CaError>> {
        Box::pin(self.set_configuration(provider, config))
    }
}

/// Who the servers are, and changes of that, which only the leader can make.
pub trait Operator: Send + Sync {
    fn servers(&self) -> Vec<Server>;
    /// The error is for people.
    fn remove(&self, id: u64) -> Later<'_, Result<(), String>>;
    /// Steps aside for the server of this id, or for any.
    fn transfer(&self, to: Option<u64>) -> Later<'_, Result<(), String>>;
}

/// Other nodes that answer what this one cannot.
pub trait Elsewhere: Send + Sync {
    /// Whether this node leads the servers.
    fn leads_here(&self) -> bool;
    /// Passes a request on to who answers it or knows who does; it may wait for `patience` there.
    fn pass_on(&self, request: PassedRequest, patience: Duration) -> Later<'_, Result<PassedAnswer, String>>;
    /// Passes a request on to another datacenter, or to who knows the way there.
    fn pass_across<'a>(
        &'a self,
        datacenter: &'a Datacenter,
        request: PassedRequest,
        patience: Duration,
    ) -> Later<'a, Result<PassedAnswer, String>>;
    /// All that this node knows, the nearest first; nothing where it knows none but its own.
    fn datacenters(&self) -> Vec<Datacenter>;
}

/// Answers questions of DNS.
pub trait Names: Send + Sync {
    /// The reply; none to what is no question about a name of the mesh.
    fn answer(&self, question: Vec<u8>) -> Later<'_, Option<Vec<u8>>>;
}

/// Keeps this node's leaf certificates fresh.
pub trait Leaves: Send + Sync {
    /// A valid certificate whose index is above `above`; after `wait`, the one that there is.
    ///
    /// # Errors
    /// There is none, and none could be had soon.
    fn fetch<'a>(
        &'a self,
        service: &'a ServiceName,
        above: u64,
        wait: Duration,
    ) -> Later<'a, Result<Arc<IssuedCert>, LeafError>>;
}

impl Leaves for LeafManager {
    fn fetch<'a>(
        &'a self,
        service: &'a ServiceName,
        above: u64,
        wait: Duration,
    ) -> Later<'a, Result<Arc<IssuedCert>, LeafError>> {
        Box::pin(self.fetch(service, above, wait))
    }
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

/// What does not change while the agent runs, for people and clients to read.
#[derive(Clone, Debug)]
pub struct AgentFacts {
    pub node: NodeName,
    pub node_id: uuid::Uuid,
    pub datacenter: Datacenter,
    /// Whose intentions and CA count here, if any datacenter's but its own do.
    pub primary: Option<Datacenter>,
    /// The address that other agents reach this one at.
    pub address: IpAddr,
    /// Where other servers reach this one's RPC; 0 on a client.
    pub server_port: u16,
    /// The port of the member list.
    pub serf_port: u16,
    pub server: bool,
    /// `1.2.4`, as clients parse it.
    pub version: String,
    pub revision: String,
    /// What intentions say where none matches.
    pub default_policy: IntentionAction,
    /// What the names of measurements begin with.
    pub metrics_prefix: String,
    /// The configuration in effect, without secrets.
    pub debug_config: serde_json::Value,
}

/// Which addresses a rule is about.
pub type AddressRule = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// How this API behaves (`http_config` and friends).
#[derive(Clone)]
pub struct HttpSettings {
    /// Added to every answer.
    pub response_headers: Vec<(HeaderName, HeaderValue)>,
    pub allowed_hosts: AllowedHosts,
    /// Who may send anything but GET; absent means everybody.
    pub writers: Option<AddressRule>,
    /// Paths that begin like this answer 403.
    pub blocked: Vec<String>,
    /// How long a blocking query waits that does not say.
    pub default_wait: Duration,
    pub max_wait: Duration,
    /// Registrations through the API may ask for a managed proxy.
    pub managed_proxies: bool,
    /// Serve the page.
    pub ui: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            response_headers: Vec::new(),
            allowed_hosts: AllowedHosts::default(),
            writers: None,
            blocked: Vec::new(),
            default_wait: Duration::from_secs(300),
            max_wait: Duration::from_secs(600),
            managed_proxies: true,
            ui: true,
        }
    }
}
