use super::authorize::AskAgent;
use super::endpoints::WatchedEndpoints;
use super::follow::{Cursor, follow};
use super::settings::{PublicSettings, Settings, UpstreamSettings};
use crate::cli::client::{Client, Query};
use crate::model::{Datacenter, ServiceName};
use crate::proxy::{Engine, IdentityFeed, InboundSpec, ListenerHandle, OutboundSpec, ProxyError};
use crate::task::{Shutdown, TaskGroup};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// The listeners of a proxy, kept equal to its settings.
pub(super) struct Listeners {
    engine: Engine,
    client: Client,
    service: ServiceName,
    datacenter: Datacenter,
    identity: IdentityFeed,
    authorize: Arc<AskAgent>,
    shutdown: Shutdown,
    followers: TaskGroup,
    public: Option<(PublicSettings, ListenerHandle)>,
    upstreams: BTreeMap<UpstreamSettings, OpenUpstream>,
}

/// Closes its listener and ends its follower when it goes.
struct OpenUpstream {
    _listener: ListenerHandle,
    follower: Shutdown,
}

impl Drop for OpenUpstream {
    fn drop(&mut self) {
        self.follower.begin();
    }
}

/// What all listeners of a proxy share.
pub(super) struct Common {
    pub engine: Engine,
    pub client: Client,
    pub service: ServiceName,
    /// The agent's own.
    pub datacenter: Datacenter,
    pub identity: IdentityFeed,
    pub authorize: AskAgent,
}

impl Listeners {
    pub fn new(common: Common, shutdown: Shutdown) -> Self {
        let Common { engine, client, service, datacenter, identity, authorize } = common;
        let authorize = Arc::new(authorize);
        Self {
            engine,
            client,
            service,
            datacenter,
            identity,
            authorize,
            shutdown,
            followers: TaskGroup::new(),
            public: None,
            upstreams: BTreeMap::new(),
        }
    }

    /// Closes what is no longer wanted, then opens what is new. What stays is not touched.
    ///
    /// # Errors
    /// An address cannot be bound; the others are tried all the same at the next call.
    pub fn apply(&mut self, settings: &Settings) -> Result<(), ProxyError> {
        self.followers.reap();
        self.upstreams.retain(|open, _| settings.upstreams.contains(open));
        if self.public.as_ref().is_some_and(|(open, _)| Some(open) != settings.public.as_ref()) {
            self.public = None;
        }
        for wanted in &settings.upstreams {
            self.open_upstream(wanted)?;
        }
        settings.public.as_ref().map_or(Ok(()), |wanted| self.open_public(wanted))
    }

    fn open_public(&mut self, wanted: &PublicSettings) -> Result<(), ProxyError> {
        if self.public.is_some() {
            return Ok(());
        }
        let listener = self.engine.inbound(InboundSpec {
            bind: wanted.bind,
            service: self.service.clone(),
            app: wanted.app,
            identity: self.identity.clone(),
            authorize: self.authorize.clone(),
        })?;
        tracing::info!(bind_addr = %listener.local_addr(), "Starting public listener");
        self.public = Some((wanted.clone(), listener));
        Ok(())
    }

    fn open_upstream(&mut self, wanted: &UpstreamSettings) -> Result<(), ProxyError> {
        if self.upstreams.contains_key(wanted) {
            return Ok(());
        }
        let (answers, feed) = watch::channel(None);
        let listener = self.engine.outbound(OutboundSpec {
            bind: wanted.bind,
            source: self.service.clone(),
            destination: wanted.destination.clone(),
            datacenter: wanted.datacenter.clone().unwrap_or_else(|| self.datacenter.clone()),
            identity: self.identity.clone(),
            endpoints: Arc::new(WatchedEndpoints(feed)),
        })?;
        tracing::info!(bind_addr = %listener.local_addr(), service = %wanted.destination, "Starting listener");
        let (client, upstream, follower) = (self.client.clone(), wanted.clone(), self.shutdown.child());
        let what = format!("the instances of {}", upstream.destination);
        let ask = move |cursor: Cursor| {
            let (client, upstream) = (client.clone(), upstream.clone());
            async move {
                let datacenter = upstream.datacenter.as_ref().map(Datacenter::as_str);
                let query = cursor.blocking(Query::new().with_some("dc", datacenter));
                client.connect_instances(upstream.destination.as_str(), query).await
            }
        };
        self.followers.spawn("endpoints", follow(what, ask, answers, follower.clone()));
        self.upstreams.insert(wanted.clone(), OpenUpstream { _listener: listener, follower });
        Ok(())
    }
}
