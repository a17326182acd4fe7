use super::banner::banner;
use super::config::{CommandLine, Reloadable, RuntimeConfig, WatchConfig};
use super::control::Control;
use super::core::Core;
use super::dataplane;
use super::dataplane_facts::AskDataPlane;
use super::doors::{Doors, across};
use super::error::StartError;
use super::house::House;
use super::membership::{self, Pools};
use super::mesh::Mesh;
use super::node_id::node_id;
use super::observed::Observed;
use super::options;
use super::ports::{CatalogLeadership, LocalNode, NamesHere, open_events};
use super::remote_exec;
use super::signals::Signals;
use super::steerer::SteererDoors;
use super::watches::Watches;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::dns::InsideDns;
use crate::gossip::Gossip;
use crate::http::{Deps, Events, NoTokens};
use crate::local::{CheckKeeper, LocalState, StateSyncer};
use crate::session::{SessionKeeper, Sessions};
use crate::task::{Shutdown, TaskGroup};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

/// From the ground up. Doors are bound before anything is registered, and served when all is in place.
pub(super) async fn build(
    command_line: CommandLine,
    config: RuntimeConfig,
    observed: Observed,
) -> Result<House, StartError> {
    let (shutdown, mut tasks) = (Shutdown::new(), TaskGroup::new());
    let signals = Signals::new().map_err(StartError::Runtime)?;
    let id = node_id(&config)?;
    let ((control, requests), (dataplane, questions)) = (Control::new(), AskDataPlane::new());
    let pools = Pools::start(&config, id, &control, &mut tasks, &shutdown).await?;
    let mut core = Core::start(&config, id, pools.lan.clone(), &shutdown).await?;
    core.serve(&config, &mut tasks, &shutdown).await?;
    pools.open(core.federation());
    let mesh = Mesh::start(&config, &core, &mut tasks, &shutdown).await?;
    let catalog = core.catalog.clone();
    let local = Arc::new(LocalState::open(options::local(&config, options::node(&config, id))));
    let sessions = start_sessions(&config, &catalog, &mut tasks, &shutdown);
    let opened = dataplane::open(&config.dataplane)?;
    let deps = Deps {
        catalog: catalog.clone(),
        local: local.clone(),
        ca: core.authority(),
        leaves: mesh.leaf.clone(),
        sessions: sessions.clone(),
        events: start_events(&config, pools.lan.as_ref(), &local, &mut tasks, &shutdown),
        authorizer: mesh.authorizer.clone(),
        tokens: Arc::new(NoTokens),
        elsewhere: core.elsewhere(),
        control: Arc::new(control),
        operator: core.operator(),
        names: Arc::new(NamesHere(InsideDns::new(options::dns(&config)?, catalog.clone(), Clock::System))),
        gossip: pools.lan.clone(),
        wan: pools.wan.clone(),
        logs: observed.logs.clone(),
        metrics: observed.metrics.clone(),
        dataplane: Arc::new(dataplane),
        facts: Arc::new(options::facts(&config, id)),
        settings: Arc::new(options::http_settings(&config)),
        clock: Clock::System,
    };
    core.open_pages(&deps);
    remote_exec::start(&config, &deps, &mut tasks, &shutdown);
    let doors = Doors::bind(&config, &deps, opened.plane.resolvers()).await?;
    register(&config, &local)?;
    announce(&config, id, &doors, &opened.plane.mode());
    let steered = SteererDoors { questions, names: doors.names(), across: across(&deps) };
    let steerer = mesh.steerer(opened, &config, &catalog, &local, steered)?;
    tasks.spawn("data plane", steerer.run(shutdown.clone()));
    let watches = watch(&config, &doors.http_addresses(), &mut tasks, &shutdown);
    doors.serve(&mut tasks, &shutdown);
    membership::tend(&config, pools.lan.as_ref(), core.voters(), &catalog, &mut tasks, &shutdown);
    let syncer = keep(&config, &local, &catalog, &mesh, &mut tasks, &shutdown);
    let (raft, raft_thread) = (core.raft().cloned(), core.raft_thread());
    #[rustfmt::skip] // One line a field would make this function too long.
    let house = House { command_line, config, observed, raft, raft_thread, pools, local, syncer, watches, requests, signals, tasks, shutdown };
    Ok(house)
}

/// What members fire, as far as it concerns this node.
fn start_events(
    config: &RuntimeConfig,
    gossip: Option<&Gossip>,
    local: &Arc<LocalState>,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) -> Events {
    let node = Arc::new(LocalNode { name: config.node.name.clone(), local: local.clone() });
    open_events(gossip, node, tasks, shutdown)
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

/// Follows the configured watches, by the API that listens there.
fn watch(
    config: &RuntimeConfig,
    listening: &[SocketAddr],
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) -> watch::Sender<Vec<WatchConfig>> {
    let (sender, wanted) = watch::channel(config.reloadable.watches.clone());
    tasks.spawn("watches", Watches::new(wanted, listening).run(shutdown.clone()));
    sender
}

/// Says on standard output who runs and where it listens.
fn announce(config: &RuntimeConfig, id: Uuid, doors: &Doors, mode: &crate::dataplane::Mode) {
    println!("{}", banner(config, id, &doors.http_addresses(), &doors.dns_addresses(), mode));
}

/// Runs the sidecars and the checks, and keeps the catalog equal to what is registered here; returns what says farewell to it.
fn keep(
    config: &RuntimeConfig,
    local: &Arc<LocalState>,
    catalog: &Catalog,
    mesh: &Mesh,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) -> StateSyncer {
    let farewell = syncer(config, local, catalog);
    farewell.recall();
    tasks.spawn("sidecars", mesh.sidecars(config, catalog, local).run(shutdown.clone()));
    tasks.spawn("checks", CheckKeeper::new(local.clone(), catalog.clone()).run(shutdown.clone()));
    tasks.spawn("anti-entropy", syncer(config, local, catalog).run(shutdown.clone()));
    farewell
}

/// Keeps the catalog equal to what is registered here.
fn syncer(config: &RuntimeConfig, local: &Arc<LocalState>, catalog: &Catalog) -> StateSyncer {
    StateSyncer::new(local.clone(), catalog.clone()).with_check_update_interval(config.checks.update_interval)
}

/// What the configuration registers.
fn register(config: &RuntimeConfig, local: &LocalState) -> Result<(), StartError> {
    let Reloadable { services, checks, .. } = config.reloadable.clone();
    Ok(local.replace_configuration(services, checks)?)
}
