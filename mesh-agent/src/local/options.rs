use super::Source;
use crate::model::{Node, NodeService};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Who may have this agent run a command as a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptPolicy {
    Nobody,
    ConfigurationOnly,
    Anybody,
}

impl ScriptPolicy {
    pub fn allows(self, source: Source) -> bool {
        match self {
            Self::Nobody => false,
            Self::ConfigurationOnly => source == Source::Configuration,
            Self::Anybody => true,
        }
    }
}

/// What the local state needs to know of its agent.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// This node as it registers itself.
    pub node: Node,
    /// The service under which others find a server. It stands in the catalog without being registered here.
    pub server: Option<NodeService>,
    /// Where registrations through the API are kept; `None` forgets them with the process.
    pub data_dir: Option<PathBuf>,
    /// Where sidecars without a port of their own listen.
    pub sidecar_ports: RangeInclusive<u16>,
    /// Where managed proxies listen.
    pub proxy_ports: RangeInclusive<u16>,
    /// Where this agent's proxies bind their public listeners.
    pub proxy_bind: IpAddr,
    /// Somebody else runs the sidecars; the agent only registers them.
    pub external_sidecars: bool,
    /// Managed proxies have these keys in their config unless their service says otherwise.
    pub proxy_defaults: crate::model::Opaque,
    pub scripts: ScriptPolicy,
    /// How often the catalog is compared as a whole; every round is spread by up to as much again.
    pub sync_interval: Duration,
}
