use super::banner::banner;
use super::config::{CommandLine, Reloadable, RuntimeConfig, WatchConfig};
use super::control::Control;
use super::dataplane;
use super::dataplane_facts::AskDataPlane;
use super::doors::{Doors, across};
use super::error::StartError;
use super::ground::Ground;
use super::house::House;
use super::membership;
use super::mesh::Mesh;
use super::observed::Observed;
use super::ports::{LocalNode, open_events};
use super::remote_exec;
use super::signals::Signals;
use super::steerer::SteererDoors;
use super::watches::Watches;
use crate::catalog::Catalog;
use crate::gossip::Gossip;
use crate::http::Events;
use crate::local::{CheckKeeper, LocalState, StateSyncer};
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
    let ((control, requests), (dataplane, questions)) = (Control::new(), AskDataPlane::new());
    let ground = Ground::lay(&config, &control, &mut tasks, &shutdown).await?;
    let opened = dataplane::open(&config.dataplane)?;
    let events = start_events(&config, ground.pools.lan.as_ref(), &ground.local, &mut tasks, &shutdown);
    let deps = ground.deps(&config, &observed, events, (Arc::new(control), Arc::new(dataplane)))?;
    ground.core.open_pages(&deps);
    remote_exec::start(&config, &deps, &mut tasks, &shutdown);
    let doors = Doors::bind(&config, &deps, opened.plane.resolvers()).await?;
    register(&config, &ground.local)?;
    announce(&config, ground.id, &doors, &opened.plane.mode());
    let steered = SteererDoors { questions, names: doors.names(), across: across(&deps) };
    let Ground { pools, core, mesh, local, .. } = ground;
    let steerer = mesh.steerer(opened, &config, &core.catalog, &local, steered)?;
    tasks.spawn("data plane", steerer.run(shutdown.clone()));
    let watches = watch(&config, &doors.http_addresses(), &mut tasks, &shutdown);
    doors.serve(&mut tasks, &shutdown);
    membership::tend(&config, pools.lan.as_ref(), core.voters(), &core.catalog, &mut tasks, &shutdown);
    let syncer = keep(&config, &local, &core.catalog, &mesh, &mut tasks, &shutdown);
    Ok(House {
        command_line,
        config,
        observed,
        raft: core.raft().cloned(),
        raft_thread: core.raft_thread(),
        pools,
        local,
        syncer,
        watches,
        requests,
        signals,
        tasks,
        shutdown,
    })
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
