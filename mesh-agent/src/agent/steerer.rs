use super::identities::Identities;
use super::ports::KernelCaptures;
use super::world;
use crate::catalog::Catalog;
use crate::dataplane::workload::{self, Hierarchy, HostView, Instance, Wanted, resolve};
use crate::dataplane::{DataPlane, DataPlaneError, Desired, Guarded, Legs, Mode, Numbers, Steering, World};
use crate::http::DataPlaneFacts;
use crate::local::LocalState;
use crate::policy::MeshSnapshot;
use crate::proxy::{Engine, ListenerHandle, TransparentSpec};
use crate::task::Shutdown;
use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the kernel hears that the agent lives, and processes are looked at.
const BEAT: Duration = Duration::from_secs(1);

/// Changes that come faster than this are taken together.
const REST: Duration = Duration::from_millis(50);

/// What the steerer follows and serves with.
pub(super) struct SteererDeps {
    pub catalog: Catalog,
    pub local: Arc<LocalState>,
    pub snapshots: watch::Receiver<Arc<MeshSnapshot>>,
    pub engine: Engine,
    pub identities: Identities,
    pub captures: Arc<KernelCaptures>,
    pub facts: watch::Sender<DataPlaneFacts>,
    /// Where captured questions for names arrive.
    pub names: Legs,
}

/// Keeps the data plane at what registrations, catalog and intentions ask for.
pub(super) struct Steerer {
    deps: SteererDeps,
    steering: Steering,
    numbers: Numbers,
    host: HostView,
    wanted: Option<Wanted>,
    listeners: Vec<ListenerHandle>,
    complaint: Option<String>,
}

impl Steerer {
    pub fn new(plane: Box<dyn DataPlane>, deps: SteererDeps) -> Self {
        Self {
            deps,
            steering: Steering::new(plane),
            numbers: Numbers::default(),
            host: HostView::default(),
            wanted: None,
            listeners: Vec::new(),
            complaint: None,
        }
    }

    /// What is in the kernel stays there: whoever needs the agent is refused until there is one again.
    pub async fn run(mut self, shutdown: Shutdown) {
        if let Mode::Userspace { reason } = self.steering.mode() {
            let told = [("mode", "userspace".to_owned()), ("reason", reason)];
            self.deps.facts.send_replace(told.map(|(k, v)| (k.to_owned(), v)).into());
            return shutdown.begun().await;
        }
        let legs = self.listen();
        let mut beat = tokio::time::interval(BEAT);
        let (changes, mut registrations) = (world::changes(&self.deps.catalog), self.deps.local.generation());
        tokio::select! {
            _ = self.deps.snapshots.wait_for(|intentions| intentions.generation() > 0) => {}
            () = shutdown.begun() => {}
        }
        while !shutdown.has_begun() {
            let seen = self.deps.catalog.state().index_of(&world::TOPICS);
            let outcome = self.turn(legs, &shutdown).await;
            self.complain(outcome.err());
            tokio::time::sleep(REST).await;
            tokio::select! {
                _ = beat.tick() => {}
                _ = changes.changed(seen) => {}
                Ok(()) = registrations.changed() => {}
                Ok(()) = self.deps.snapshots.changed() => {}
                () = shutdown.begun() => {}
            }
        }
        let nobody = self.steering.plane().beat(Legs::default());
        self.complain(nobody.err());
        drop(self.listeners);
        self.deps.identities.finish().await;
    }

    /// A port each, chosen by the system; where there is no IPv6, there is nobody to send there.
    fn listen(&mut self) -> Legs {
        let mut open = |bind: SocketAddr| {
            let spec = TransparentSpec { bind, captures: self.deps.captures.clone() };
            let listener = self.deps.engine.transparent(spec).inspect_err(|error| {
                tracing::warn!(%error, "captured connections to addresses of this family are refused");
            });
            let listener = listener.ok()?;
            let port = listener.local_addr().port();
            self.listeners.push(listener);
            Some(port)
        };
        let v4 = open((Ipv4Addr::LOCALHOST, 0).into());
        Legs { v4, v6: open((Ipv6Addr::LOCALHOST, 0).into()), ..self.deps.names }
    }

    async fn turn(&mut self, legs: Legs, shutdown: &Shutdown) -> Result<(), DataPlaneError> {
        let view = self.deps.local.view();
        let (instances, guarded) = (world::instances(&view), world::guarded(&view));
        self.look(&instances).await?;
        let identities = resolve(&instances, &self.host);
        for instance in &instances {
            self.numbers.of_local(&instance.service); // Rules count for them though none of their processes runs.
        }
        let snapshot = self.deps.snapshots.borrow_and_update().clone();
        let options = self.deps.local.options();
        let proxies = self.deps.local.proxies().borrow().clone();
        let services = world::services(&self.deps.catalog.state(), &options.node.name, &proxies, false);
        let world = World {
            workloads: &identities.bound,
            services: &services,
            rules: &world::rules(&snapshot),
            default: world::action(snapshot.default_action()),
            guarded: &guarded,
        };
        let desired = Desired::of(&world, &mut self.numbers);
        // Leg F knows them before the kernel sends anybody.
        self.introduce(&identities, shutdown).await?;
        self.steering.bring_to(&desired)?;
        self.steering.plane().beat(legs)?;
        let cut = self.steering.cut(&desired, &self.numbers)?;
        if cut > 0 {
            tracing::info!(connections = cut, "open connections were cut: intentions forbid them now");
        }
        self.tell(&identities, &guarded);
        Ok(())
    }

    /// Processes are looked through only when sockets or cgroups have changed.
    async fn look(&mut self, instances: &[Instance]) -> Result<(), DataPlaneError> {
        let failed = |error: &dyn std::fmt::Display| DataPlaneError::new("told who is who", error);
        let hierarchy = Hierarchy::find().map_err(|error| failed(&error))?;
        let (known, before, instances) = (self.host.clone(), self.wanted.clone(), instances.to_vec());
        let look = move || {
            let survey = HostView::survey(&hierarchy);
            let wanted = Wanted::by(&instances, &survey.listeners);
            let same = Some(&wanted) == before.as_ref() && survey.cgroups == known.cgroups && !wanted.users;
            let processes = known.processes;
            let host = if same { HostView { processes, ..survey } } else { survey.with_processes(&wanted) };
            (host, wanted)
        };
        let (host, wanted) = tokio::task::spawn_blocking(look).await.map_err(|error| failed(&error))?;
        (self.host, self.wanted) = (host, Some(wanted));
        Ok(())
    }

    async fn introduce(
        &mut self,
        identities: &workload::Identities,
        shutdown: &Shutdown,
    ) -> Result<(), DataPlaneError> {
        let is_bound = |name: &_| identities.bound.iter().any(|w| w.service == *name);
        self.deps.identities.keep(is_bound);
        let mut sources = HashMap::new();
        for workload in &identities.bound {
            let feed = self.deps.identities.feed(&workload.service, shutdown).await;
            let feed = feed.map_err(|error| DataPlaneError::new("given identities", &error))?;
            sources.insert(self.numbers.of_local(&workload.service), (workload.service.clone(), feed));
        }
        self.deps.captures.know(self.numbers.clone(), sources);
        Ok(())
    }

    fn tell(&mut self, identities: &workload::Identities, guarded: &[Guarded]) {
        let mut told = self.steering.plane().facts();
        told.insert("mode".to_owned(), "ebpf".to_owned());
        for workload in &identities.bound {
            let paths: Vec<_> = workload.cgroups.iter().map(|cgroup| cgroup.path.as_str()).collect();
            let how = format!("{} (by {})", paths.join(" "), workload.by.as_str());
            told.insert(format!("service.{}", workload.service), how);
        }
        for unbound in &identities.unbound {
            told.insert(format!("service.{}", unbound.service), format!("not bound: {}", unbound.reason));
        }
        for Guarded { service, app } in guarded {
            let bound = identities.bound.iter().any(|workload| workload.service.folded() == service.folded());
            let how = if bound { "guarded" } else { "NOT guarded, for none of its processes is known" };
            told.insert(format!("strict.{service}"), format!("{how}: {app}"));
        }
        self.deps.facts.send_replace(told);
    }

    /// Once for each thing that is wrong.
    fn complain(&mut self, error: Option<DataPlaneError>) {
        let complaint = error.map(|error| error.to_string());
        if let Some(reason) = complaint.as_ref().filter(|_| complaint != self.complaint) {
            tracing::error!(%reason, "the kernel does not steer as it should; trying again");
        }
        self.complaint = complaint;
    }
}
