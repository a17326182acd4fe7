use super::LocalService;
use crate::model::{NodeService, ServiceName, Upstream};

/// A proxy that this agent is to run.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxyAssignment {
    /// The proxy's registration; its port is where other services come in.
    pub proxy: NodeService,
    /// The service it stands before, whose identity it shows.
    pub source: ServiceName,
    /// Where the app listens, as `host:port`.
    pub app: String,
    pub upstreams: Vec<Upstream>,
}

impl ProxyAssignment {
    /// `None` for what is no proxy, and for proxies that somebody else runs.
    pub(super) fn of(local: &LocalService) -> Option<Self> {
        let config = local.service.proxy.as_ref().filter(|_| local.run_here)?;
        let host = config.local_service_address.as_deref().unwrap_or("127.0.0.1");
        let port = config.local_service_port.unwrap_or_default();
        let app = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        Some(Self {
            proxy: local.service.clone(),
            source: config.destination.clone(),
            app,
            upstreams: config.upstreams.clone(),
        })
    }
}
