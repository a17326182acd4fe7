use super::authority::Authority;
use super::config::RuntimeConfig;
use super::core::Core;
use super::dataplane::Opened;
use super::error::StartError;
use super::follow::Follower;
use super::identities::Identities;
use super::ktls::FoundKtls;
use super::options;
use super::outposts::OutpostKit;
use super::ports::{KernelCaptures, PolicyAuthorize, PrimaryDatacenter};
use super::recheck::recheck;
use super::sidecars::{SidecarDeps, Sidecars};
use super::steerer::{Steerer, SteererDeps, SteererDoors};
use crate::ca::{CaManager, RootPruner};
use crate::catalog::Catalog;
use crate::http::Elsewhere;
use crate::leader::Replicator;
use crate::leaf::{CertSigner, LeafManager, LeafOptions};
use crate::local::LocalState;
use crate::policy::{Authorizer, MeshSnapshot, PolicyCompiler};
use crate::proxy::{Engine, EngineOptions};
use crate::state::{CaView, GetCa};
use crate::task::{Shutdown, TaskGroup};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often spent roots are looked for.
const PRUNE_PERIOD: Duration = Duration::from_secs(3600);

/// Identities, policy and the data path.
pub(super) struct Mesh {
    pub ca: Arc<CaManager>,
    pub leaf: Arc<LeafManager>,
    pub authorizer: Authorizer,
    engine: Engine,
    ktls: FoundKtls,
    /// Who knows the way to other datacenters.
    elsewhere: Arc<dyn Elsewhere>,
    roots: watch::Receiver<CaView>,
    snapshots: watch::Receiver<Arc<MeshSnapshot>>,
}

impl Mesh {
    /// Where this server is alone, the CA has a root when this returns.
    pub async fn start(
        config: &RuntimeConfig,
        core: &Core,
        tasks: &mut TaskGroup,
        shutdown: &Shutdown,
    ) -> Result<Self, StartError> {
        let (ca, catalog) = (core.ca.clone(), &core.catalog);
        start_ca(config, core, tasks, shutdown).await?;
        let follower = Follower::new(catalog.clone(), GetCa);
        let roots = follower.subscribe();
        tasks.spawn("CA follower", follower.run(shutdown.clone()));
        let leaf = start_leaf(config, core.signer(config), roots.clone(), tasks, shutdown);
        let ktls = FoundKtls::new(config.dataplane.ktls)?;
        let engine = Engine::start(EngineOptions { ktls: ktls.kernel, ..EngineOptions::default() })?;
        tasks.spawn("proxy engine", engine.clone().run(shutdown.clone()));
        let (authorizer, snapshots) = start_policy(config, catalog, &engine, tasks, shutdown);
        let elsewhere = core.elsewhere();
        Ok(Self { ca, leaf, authorizer, engine, ktls, elsewhere, roots, snapshots })
    }

    /// Keeps the proxies that registrations ask for.
    pub fn sidecars(&self, config: &RuntimeConfig, catalog: &Catalog, local: &LocalState) -> Sidecars {
        let deps = SidecarDeps {
            engine: self.engine.clone(),
            identities: Identities::new(self.leaf.clone(), self.roots.clone()),
            catalog: catalog.clone(),
            elsewhere: self.elsewhere.clone(),
            authorize: self.authorize(),
            bind: config.network.bind,
            datacenter: config.node.datacenter.clone(),
        };
        Sidecars::new(deps, local.proxies())
    }

    /// Keeps the data plane.
    pub fn steerer(
        &self,
        opened: Opened,
        config: &RuntimeConfig,
        catalog: &Catalog,
        local: &Arc<LocalState>,
        doors: SteererDoors,
    ) -> Result<Steerer, StartError> {
        let asked = opened.plane.resolvers().filter(|_| config.dataplane.dns);
        let names = asked.map(|asked| Ok::<_, StartError>((options::dns(config)?, asked))).transpose()?;
        let datacenter = config.node.datacenter.clone();
        let captures = Arc::new(KernelCaptures::new(catalog.clone(), datacenter, self.authorize()));
        let deps = SteererDeps {
            kit: OutpostKit {
                engine: self.engine.clone(),
                captures,
                catalog: catalog.clone(),
                across: doors.across.clone(),
                names,
                cuts: opened.plane.cuts(),
            },
            local: local.clone(),
            snapshots: self.snapshots.clone(),
            identities: Identities::new(self.leaf.clone(), self.roots.clone()),
            acceleration: opened.acceleration,
            ktls: self.ktls.clone(),
        };
        Ok(Steerer::new(opened.plane, deps, doors))
    }

    fn authorize(&self) -> Arc<PolicyAuthorize> {
        Arc::new(PolicyAuthorize { authorizer: self.authorizer.clone(), ca: self.ca.clone() })
    }
}

/// One of several servers may have to wait long for a leader, and serves what it has meanwhile.
async fn start_ca(
    config: &RuntimeConfig,
    core: &Core,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) -> Result<(), StartError> {
    // A client agent's CA is the servers'.
    let Some(raft) = core.raft().cloned() else { return Ok(()) };
    if let (Some(name), Some(federation)) = (config.primary_elsewhere(), core.federation()) {
        let primary = PrimaryDatacenter { name: name.clone(), federation: federation.clone() };
        let (catalog, ca) = (core.catalog.clone(), core.ca.clone());
        let replicator = Replicator::new(Arc::new(primary), catalog, ca, move || raft.leads());
        tasks.spawn("replication", replicator.run(shutdown.clone()));
        return Ok(());
    }
    let authority = Authority::new(core.ca.clone(), &config.connect)?;
    if raft.leads() {
        authority.initialise().await?;
    } else {
        tasks.spawn("CA start", authority.run(shutdown.clone()));
    }
    let pruner = RootPruner::new(core.ca.clone(), PRUNE_PERIOD, move || raft.leads());
    tasks.spawn("root pruner", pruner.run(shutdown.clone()));
    Ok(())
}

fn start_leaf(
    config: &RuntimeConfig,
    signer: Arc<dyn CertSigner>,
    roots: watch::Receiver<CaView>,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) -> Arc<LeafManager> {
    let directory = config.data_dir.as_ref().map(|directory| directory.join("leaf"));
    let options = LeafOptions::new(config.node.datacenter.clone(), directory);
    let (manager, keeper) = LeafManager::new(options, signer, roots);
    tasks.spawn("leaf keeper", keeper.run(shutdown.clone()));
    Arc::new(manager)
}

fn start_policy(
    config: &RuntimeConfig,
    catalog: &Catalog,
    engine: &Engine,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) -> (Authorizer, watch::Receiver<Arc<MeshSnapshot>>) {
    let compiler = PolicyCompiler::new(catalog.clone(), config.connect.intention_default);
    let (authorizer, snapshots) = (compiler.authorizer(), compiler.subscribe());
    let connections = engine.connections().clone();
    tasks.spawn("policy compiler", compiler.run(shutdown.clone()));
    tasks.spawn("connection recheck", recheck(snapshots.clone(), connections, shutdown.clone()));
    (authorizer, snapshots)
}
