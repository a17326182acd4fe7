use super::dataplane_facts::{self, Questions};
use super::identities::Identities;
use super::ktls::FoundKtls;
use super::outposts::{OutpostKit, Outposts, listen};
use super::settling::Settling;
use super::surveyor::Surveyor;
use super::world;
use crate::dataplane::workload::{self, resolve};
use crate::dataplane::{
    Acceleration, DataPlane, DataPlaneError, Desired, Legs, Mode, News, Numbers, Steering, World,
};
use crate::discovery::Endpoint;
use crate::dns::Across;
use crate::http::DataPlaneFacts;
use crate::local::{LocalState, LocalView};
use crate::policy::MeshSnapshot;
use crate::proxy::ListenerHandle;
use crate::task::Shutdown;
use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// How often the kernel hears that the agent lives.
const BEAT: Duration = Duration::from_secs(1);

/// Changes that come faster than this are taken together.
const REST: Duration = Duration::from_millis(50);

/// What the steerer follows and serves with.
pub(super) struct SteererDeps {
    /// What doors are opened with, here and in other network namespaces.
    pub kit: OutpostKit,
    pub local: Arc<LocalState>,
    pub snapshots: watch::Receiver<Arc<MeshSnapshot>>,
    pub identities: Identities,
    pub acceleration: Acceleration,
    pub ktls: FoundKtls,
}

/// What others have opened for it.
pub(super) struct SteererDoors {
    /// From people who want to know.
    pub questions: Questions,
    /// Where captured questions for names arrive.
    pub names: Legs,
    /// Whom other datacenters' names are asked of.
    pub across: Arc<dyn Across>,
}

/// Keeps the data plane at what registrations, catalog and intentions ask for.
pub(super) struct Steerer {
    deps: SteererDeps,
    doors: SteererDoors,
    steering: Steering,
    numbers: Numbers,
    surveyor: Surveyor,
    legs: Legs,
    /// `None` where it has to be read yet what an earlier agent has left.
    settling: Option<Settling>,
    /// What the kernel was brought to last; `None` where it has to be tried again.
    desired: Option<Desired>,
    services: DataPlaneFacts,
    listeners: Vec<ListenerHandle>,
    outposts: Outposts,
    complaint: Option<String>,
}

/// What the steerer wakes for.
enum Event {
    Beat,
    Catalog,
    Registrations,
    Intentions,
    News,
    Question(oneshot::Sender<DataPlaneFacts>),
}

/// Never where there are none.
async fn next(news: &mut Option<Box<dyn News>>) {
    match news {
        Some(news) => news.next().await,
        None => std::future::pending().await,
    }
}

impl Steerer {
    pub fn new(plane: Box<dyn DataPlane>, deps: SteererDeps, doors: SteererDoors) -> Self {
        Self {
            outposts: Outposts::new(deps.kit.clone()),
            deps,
            doors,
            steering: Steering::new(plane),
            numbers: Numbers::default(),
            surveyor: Surveyor::new(),
            legs: Legs::default(),
            settling: None,
            desired: None,
            services: DataPlaneFacts::new(),
            listeners: Vec::new(),
            complaint: None,
        }
    }

    /// What is in the kernel stays there: whoever needs the agent is refused until there is one again.
    pub async fn run(mut self, shutdown: Shutdown) {
        if self.steering.mode() == Mode::Ebpf {
            return self.steer(shutdown).await;
        }
        loop {
            tokio::select! {
                Some(question) = self.doors.questions.recv() => self.answer(question),
                () = shutdown.begun() => return,
            }
        }
    }

    async fn steer(mut self, shutdown: Shutdown) {
        // Names are answered at once; for the rest, the agent is not there before it knows what to say.
        self.legs = self.doors.names;
        let mut beat = tokio::time::interval(BEAT);
        let mut news = self.steering.plane().news();
        let mut records = self.steering.plane().records();
        let (changes, mut registrations) =
            (world::changes(&self.deps.kit.catalog), self.deps.local.generation());
        let mut seen = 0;
        while !shutdown.has_begun() {
            let event = tokio::select! {
                _ = beat.tick() => Event::Beat,
                newest = changes.changed(seen) => { seen = newest; Event::Catalog }
                Ok(()) = registrations.changed() => Event::Registrations,
                Ok(()) = self.deps.snapshots.changed() => Event::Intentions,
                () = next(&mut news) => Event::News,
                () = next(&mut records) => continue,
                Some(question) = self.doors.questions.recv() => Event::Question(question),
                () = shutdown.begun() => break,
            };
            self.take(event, &shutdown).await;
        }
        let farewell = self.steering.plane().beat(Legs::default(), &BTreeMap::new());
        self.complain(farewell.err());
        drop(self.listeners);
        self.outposts.finish().await;
        self.deps.identities.finish().await;
    }

    async fn take(&mut self, event: Event, shutdown: &Shutdown) {
        match event {
            Event::Question(question) => {
                // `mesh run` asks whether the cgroup is known that it has just made.
                if self.surveyor.is_due() {
                    let outcome = self.turn(shutdown).await;
                    self.complain(outcome.err());
                }
                return self.answer(question);
            }
            Event::Beat => {
                let outcome = self.beat();
                self.complain(outcome.err());
                if self.desired.is_some() && !self.surveyor.is_due() {
                    return;
                }
            }
            Event::News => {
                self.surveyor.hint();
                if !self.surveyor.is_due() {
                    return;
                }
            }
            Event::Catalog => self.surveyor.hint(),
            Event::Registrations => self.surveyor.tell(),
            Event::Intentions => {}
        }
        let outcome = self.turn(shutdown).await;
        self.complain(outcome.err());
        tokio::time::sleep(REST).await;
    }

    fn beat(&mut self) -> Result<(), DataPlaneError> {
        self.steering.plane().beat(self.legs, &self.outposts.legs())?;
        self.cut()
    }

    fn cut(&mut self) -> Result<(), DataPlaneError> {
        let Some(desired) = &self.desired else { return Ok(()) };
        let cut = self.steering.cut(desired, &self.numbers, &self.outposts.cuts())?;
        if cut > 0 {
            tracing::info!(connections = cut, "open connections were cut: intentions forbid them now");
        }
        Ok(())
    }

    fn answer(&mut self, question: oneshot::Sender<DataPlaneFacts>) {
        let mut told = dataplane_facts::of_mode(&self.steering.mode());
        told.extend(self.steering.plane().facts());
        told.extend(self.services.clone());
        told.extend(dataplane_facts::of_places(&self.outposts.places()));
        told.insert("accelerate".to_owned(), self.deps.acceleration.told());
        told.extend(self.deps.ktls.facts(&self.deps.kit.engine.counters().values()));
        let _ = question.send(told); // Who asked may be gone.
    }

    async fn turn(&mut self, shutdown: &Shutdown) -> Result<(), DataPlaneError> {
        self.desired = None;
        if !self.is_settled()? {
            return Ok(());
        }
        self.open_doors();
        let view = self.deps.local.view();
        let (instances, guarded) = (world::instances(&view), world::guarded(&view));
        let identities = resolve(&instances, self.surveyor.look(&instances).await?);
        let networks = self.surveyor.networks(&identities.bound).await?;
        if self.outposts.keep(networks, shutdown).await {
            self.steering.look_again();
        }
        for instance in &instances {
            self.numbers.of_local(&instance.service); // Rules count for them though none of their processes runs.
        }
        let snapshot = self.deps.snapshots.borrow_and_update().clone();
        let options = self.deps.local.options();
        let proxies = self.deps.local.proxies().borrow().clone();
        let services = world::services(
            &self.deps.kit.catalog.state(),
            &options.node.name,
            &proxies,
            &self.deps.acceleration,
            |service, proxy, app| self.is_still(&view, service, proxy, app),
        );
        let world = World {
            workloads: &identities.bound,
            services: &services,
            rules: &world::rules(&snapshot),
            default: world::action(snapshot.default_action()),
            guarded: &guarded,
        };
        let desired = Desired::of(&world, &mut self.numbers);
        // Leg F knows them before the kernel sends anybody.
        self.introduce(&identities, &desired, shutdown).await?;
        self.steering.bring_to(&desired)?;
        self.services = dataplane_facts::of_services(&identities, &guarded);
        self.desired = Some(desired);
        self.beat()
    }

    /// Whether this agent knows enough to change what the kernel goes by.
    fn is_settled(&mut self) -> Result<bool, DataPlaneError> {
        if self.deps.snapshots.borrow().generation() == 0 {
            return Ok(false);
        }
        let settling = match &mut self.settling {
            Some(settling) => settling,
            none => none.insert(Settling::new(self.steering.says()?)),
        };
        Ok(settling.is_over(&self.deps.kit.catalog, &self.deps.local))
    }

    fn is_still(&self, local: &LocalView, service: Ipv4Addr, proxy: &Endpoint, app: SocketAddr) -> bool {
        self.settling.as_ref().is_some_and(|settling| settling.is_still(local, service, proxy, app))
    }

    /// Once.
    fn open_doors(&mut self) {
        if self.listeners.is_empty() {
            let (listeners, legs) = listen(&self.deps.kit);
            let Legs { names_v4, names_v6, .. } = self.doors.names;
            (self.listeners, self.legs) = (listeners, Legs { names_v4, names_v6, ..legs });
        }
    }

    async fn introduce(
        &mut self,
        identities: &workload::Identities,
        desired: &Desired,
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
        let leads = |address: &SocketAddr| desired.destinations.contains_key(address);
        self.deps.kit.captures.know(self.numbers.clone(), sources, leads);
        Ok(())
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
