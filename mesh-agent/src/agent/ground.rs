use super::config::RuntimeConfig;
use super::control::Control;
use super::core::Core;
use super::dataplane_facts::AskDataPlane;
use super::error::StartError;
use super::membership::Pools;
use super::mesh::Mesh;
use super::node_id::node_id;
use super::observed::Observed;
use super::options;
use super::ports::{CatalogLeadership, NamesHere};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::dns::InsideDns;
use crate::http::{Deps, Events, NoTokens};
use crate::local::LocalState;
use crate::session::{SessionKeeper, Sessions};
use crate::task::{Shutdown, TaskGroup};
use std::sync::Arc;
use uuid::Uuid;

/// What the rest of the house stands on: the other members, the servers' state, the identities of services, and what is
/// registered here.
pub(super) struct Ground {
    pub(super) id: Uuid,
    pub(super) pools: Pools,
    pub(super) core: Core,
    pub(super) mesh: Mesh,
    pub(super) local: Arc<LocalState>,
    sessions: Sessions,
}

impl Ground {
    pub(super) async fn lay(
        config: &RuntimeConfig,
        control: &Control,
        tasks: &mut TaskGroup,
        shutdown: &Shutdown,
    ) -> Result<Self, StartError> {
        let id = node_id(config)?;
        let pools = Pools::start(config, id, control, tasks, shutdown).await?;
        let mut core = Core::start(config, id, pools.lan.clone(), shutdown).await?;
        core.serve(config, tasks, shutdown).await?;
        pools.open(core.federation());
        let mesh = Mesh::start(config, &core, tasks, shutdown).await?;
        let local = Arc::new(LocalState::open(options::local(config, options::node(config, id))));
        let sessions = start_sessions(config, &core.catalog, tasks, shutdown);
        Ok(Self { id, pools, core, mesh, local, sessions })
    }

    /// What the API and DNS answer from.
    pub(super) fn deps(
        &self,
        config: &RuntimeConfig,
        observed: &Observed,
        events: Events,
        (control, dataplane): (Arc<Control>, Arc<AskDataPlane>),
    ) -> Result<Deps, StartError> {
        let Self { pools, core, mesh, .. } = self;
        let inside = InsideDns::new(options::dns(config)?, core.catalog.clone(), Clock::System);
        Ok(Deps {
            catalog: core.catalog.clone(),
            local: self.local.clone(),
            ca: core.authority(),
            leaves: mesh.leaf.clone(),
            sessions: self.sessions.clone(),
            events,
            authorizer: mesh.authorizer.clone(),
            tokens: Arc::new(NoTokens),
            elsewhere: core.elsewhere(),
            control,
            operator: core.operator(),
            names: Arc::new(NamesHere(inside)),
            gossip: pools.lan.clone(),
            wan: pools.wan.clone(),
            logs: observed.logs.clone(),
            metrics: observed.metrics.clone(),
            dataplane,
            facts: Arc::new(options::facts(config, self.id)),
            settings: Arc::new(options::http_settings(config)),
            clock: Clock::System,
        })
    }
}

/// Ends sessions while this server leads.
fn start_sessions(
    config: &RuntimeConfig,
    catalog: &Catalog,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) -> Sessions {
    let (sessions, own) = (Sessions::default(), options::server_address(config).to_string());
    let leadership = Arc::new(CatalogLeadership { catalog: catalog.clone(), own });
    let keeper = SessionKeeper::new(catalog.clone(), leadership, sessions.clone());
    tasks.spawn("sessions", keeper.run(shutdown.clone()));
    sessions
}
