use super::accelerate::Finding;
use super::desired::{Desired, StrictAt, Target};
use super::kernel::{
    Attachment, Cutter, Doubt, Facts, Host, KernelError, Maps, Pins, Resolvers, monotonic_now,
    namespace_cookie,
};
use super::plan::Step;
use super::plane::{Asked, Cuts, DataPlane, DataPlaneError, Legs, Mode, News};
use super::workload::{CgroupPath, Hierarchy};
use mesh_common::{
    Action, Config, Counter, Destination, Doors, Endpoint, Flow, Pair, ServiceNumber, StrictPort, Workload,
};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How old the heartbeat may be before mesh destinations are refused.
const PATIENCE: Duration = Duration::from_secs(10);

/// How old it may be before names are asked of whom they were asked of before there was an agent.
const NAMES_PATIENCE: Duration = Duration::from_secs(3);

/// The kernel's own: programs that steer connects by maps.
pub struct EbpfDataPlane {
    attachment: Attachment,
    config: Config,
    /// What the kernel was told last of other network namespaces.
    elsewhere: BTreeMap<u64, Doors>,
    pins: Pins,
    /// Held while this agent lives: there is one to a set of pins.
    _lock: File,
}

/// What was attempted when a connection could not be ended.
const RID: &str = "rid of forbidden connections";

impl Cuts for Cutter {
    fn cut(&self, forbidden: &dyn Fn(Pair) -> bool) -> Result<u64, DataPlaneError> {
        Self::cut(self, forbidden).map_err(|error| DataPlaneError::new(RID, &error))
    }

    fn here(&self) -> Option<Arc<dyn Cuts>> {
        Some(Arc::new(Self::here(self).ok()?))
    }
}

impl EbpfDataPlane {
    /// Takes over what an earlier agent has left at `pins`, or begins there. Below `cgroup`, which is the root of
    /// the hierarchy unless given, every connect is looked at. `object` is a file of programs in the place of those that
    /// the agent carries.
    ///
    /// # Errors
    /// Something is missing on this host, or another agent has it.
    pub fn attach(cgroup: Option<&Path>, pins: &Path, object: Option<&Path>) -> Result<Self, DataPlaneError> {
        let host = Host::look();
        host.check().map_err(|unfit| DataPlaneError::new("attached", &unfit))?;
        let cgroup = cgroup.map(Path::to_path_buf).or(host.cgroup2.ok()).unwrap_or_default();
        let (lock, kept) = (lock(pins)?, Pins::new(pins));
        let attach = |error: KernelError| DataPlaneError::new("attached", &error);
        let attachment = Attachment::attach_object(object, &cgroup, &kept).map_err(attach)?;
        if let Some(error) = attachment.reads_unseen() {
            tracing::info!(%error, "a connection goes past TCP for its first {} bytes only", Flow::CREDIT);
        }
        let namespace = namespace_cookie().map_err(|error| DataPlaneError::new("attached", &error))?;
        let before = attachment.maps().config().map_err(attach)?;
        let config = Config {
            heartbeat_limit: nanoseconds(PATIENCE),
            namespace,
            agent_process: std::process::id(),
            agent_cgroup: own_cgroup(),
            names_limit: nanoseconds(NAMES_PATIENCE),
            doors: Doors::default(),
            ..before
        };
        let elsewhere = attachment.maps().doors.list().map_err(attach)?.into_iter().collect();
        Ok(Self { attachment, config, elsewhere, pins: kept, _lock: lock })
    }

    /// Takes everything out of the kernel that an agent has left at `pins`.
    ///
    /// # Errors
    /// An agent still has it, or the kernel refuses.
    pub fn detach(pins: &Path) -> Result<(), DataPlaneError> {
        let _lock = lock(pins)?;
        Pins::new(pins).detach().map_err(|error| DataPlaneError::new("detached", &error))
    }

    fn maps(&mut self) -> &mut Maps {
        self.attachment.maps_mut()
    }

    fn say(&mut self) -> Result<(), KernelError> {
        let config = self.config;
        self.maps().set_config(config)
    }

    fn say_elsewhere(&mut self, wanted: &BTreeMap<u64, Legs>) -> Result<(), KernelError> {
        let gone = self.elsewhere.keys().filter(|cookie| !wanted.contains_key(cookie));
        for cookie in gone.copied().collect::<Vec<_>>() {
            self.maps().doors.remove(&cookie)?;
            self.elsewhere.remove(&cookie);
        }
        for (cookie, legs) in wanted {
            let doors = doors(*legs);
            if self.elsewhere.get(cookie) != Some(&doors) {
                self.maps().doors.set(cookie, &doors)?;
                self.elsewhere.insert(*cookie, doors);
            }
        }
        Ok(())
    }

    fn read(&self) -> Result<Desired, KernelError> {
        let maps = self.attachment.maps();
        let workloads = maps.workload.list()?.into_iter().map(|(cgroup, w)| (cgroup, w.service)).collect();
        let destinations = maps.destination.list()?.into_iter().map(|(at, d)| (at.socket_addr(), target(d)));
        let rules = maps.intent.list()?.into_iter().map(|(pair, action)| (pair, Action::from_raw(action)));
        Ok(Desired {
            default: maps.config()?.default_action(),
            workloads,
            destinations: destinations.collect(),
            rules: rules.collect(),
            strict: maps.strict.list()?.into_iter().map(|(at, service)| (strict_at(at), service)).collect(),
        })
    }

    fn change(&mut self, step: &Step) -> Result<(), KernelError> {
        let namespace = self.config.namespace;
        match *step {
            Step::SetDefault(action) => {
                self.config.default_action = action as u32;
                self.say()
            }
            Step::PutRule(pair, action) => self.maps().intent.set(&pair, &(action as u32)),
            Step::RemoveRule(pair) => self.maps().intent.remove(&pair),
            Step::PutDestination(at, target) => {
                self.maps().destination.set(&at.into(), &destination(target, namespace))
            }
            Step::RemoveDestination(at) => self.maps().destination.remove(&at.into()),
            Step::PutWorkload(cgroup, service) => self.maps().workload.set(&cgroup, &Workload::new(service)),
            Step::RemoveWorkload(cgroup) => self.maps().workload.remove(&cgroup),
            Step::PutStrict(at, service) => self.guard(at, service),
            Step::RemoveStrict(at) => self.release(at),
        }
    }
}

impl Asked for Resolvers {
    fn server(&self, udp: bool, client: SocketAddr, here: SocketAddr) -> Option<SocketAddr> {
        self.of(udp, client, here)
    }

    fn here(&self) -> Option<Arc<dyn Asked>> {
        Some(Arc::new(Self::here(self).ok()?))
    }
}

impl EbpfDataPlane {
    /// How much of a connection may go past TCP, for people.
    fn credit(&self) -> String {
        match self.attachment.reads_unseen() {
            None => format!("{} bytes on their way that nobody has read", Flow::CREDIT),
            Some(why) => {
                let why = why.to_string(); // What the verifier says further is in the log.
                format!(
                    "{} bytes in a connection's life: {}",
                    Flow::CREDIT,
                    why.lines().next().unwrap_or_default()
                )
            }
        }
    }

    /// The agent's own connects are let in before anybody is kept out.
    fn guard(&mut self, at: StrictAt, service: ServiceNumber) -> Result<(), KernelError> {
        self.config.flags |= Config::GUARD;
        self.say()?;
        self.maps().strict.set(&strict_port(at), &service)?;
        self.attachment.guard_strict(true)
    }

    fn release(&mut self, at: StrictAt) -> Result<(), KernelError> {
        self.maps().strict.remove(&strict_port(at))?;
        if !self.attachment.maps().strict.is_empty()? {
            return Ok(());
        }
        self.attachment.guard_strict(false)?;
        self.config.flags &= !Config::GUARD;
        self.say()
    }
}

impl DataPlane for EbpfDataPlane {
    fn mode(&self) -> Mode {
        Mode::Ebpf
    }

    fn contents(&self) -> Result<Desired, DataPlaneError> {
        self.read().map_err(|error| DataPlaneError::new("read", &error))
    }

    fn apply(&mut self, step: &Step) -> Result<(), DataPlaneError> {
        self.change(step).map_err(|error| DataPlaneError::new("changed", &error))
    }

    fn beat(&mut self, legs: Legs, elsewhere: &BTreeMap<u64, Legs>) -> Result<(), DataPlaneError> {
        self.config.heartbeat = monotonic_now();
        self.config.doors = doors(legs);
        let said = self.say_elsewhere(elsewhere).and_then(|()| self.say());
        said.map_err(|error| DataPlaneError::new("told that the agent lives", &error))
    }

    fn news(&mut self) -> Option<Box<dyn News>> {
        Some(Box::new(self.maps().take_news()?))
    }

    fn records(&mut self) -> Option<Box<dyn News>> {
        Some(Box::new(self.attachment.take_records()?))
    }

    fn resolvers(&self) -> Option<Arc<dyn Asked>> {
        let opened = Resolvers::open(&self.pins).inspect_err(|error| {
            tracing::warn!(%error, "questions for names are left alone");
        });
        Some(Arc::new(opened.ok()?))
    }

    fn try_acceleration(&mut self) -> Finding {
        match self.attachment.try_acceleration() {
            Ok(()) => Finding::Sound,
            Err(doubt @ Doubt::Woken { .. }) => Finding::WakesReaders(doubt.to_string()),
            Err(doubt) => Finding::Doubtful(doubt.to_string()),
        }
    }

    fn cut(
        &mut self,
        forbidden: &dyn Fn(Pair) -> bool,
        elsewhere: &[Arc<dyn Cuts>],
    ) -> Result<u64, DataPlaneError> {
        let here = self.attachment.cut(forbidden).map_err(|error| DataPlaneError::new(RID, &error))?;
        let there = elsewhere.iter().map(|cuts| cuts.cut(forbidden)).sum::<Result<u64, _>>()?;
        if there > 0 {
            self.maps().add(Counter::Cut, there).map_err(|error| DataPlaneError::new("counted", &error))?;
        }
        Ok(here + there)
    }

    fn cuts(&self) -> Option<Arc<dyn Cuts>> {
        Some(Arc::new(Cutter::open(&self.pins).ok()?))
    }

    fn facts(&self) -> BTreeMap<String, String> {
        let mut told = BTreeMap::from([("accelerate.credit".to_owned(), self.credit())]);
        if let Ok(counters) = self.attachment.maps().counters() {
            told.extend(counters.into_iter().map(|(c, n)| (format!("counter.{}", c.name()), n.to_string())));
        }
        if let Ok(Facts { programs, maps }) = self.attachment.facts() {
            told.extend(programs.iter().map(|p| (format!("program.{}", p.name), p.to_string())));
            told.extend(
                maps.into_iter()
                    .map(|m| (format!("map.{}", m.name), format!("{} of {} entries", m.entries, m.capacity))),
            );
        }
        told
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn lock(pins: &Path) -> Result<File, DataPlaneError> {
    let mut path = pins.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let fail = |reason: &dyn std::fmt::Display| {
        DataPlaneError::new("reserved", &format_args!("{}: {reason}", path.display()))
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|error| fail(&error))?;
    }
    let file = File::create(&path).map_err(|error| fail(&error))?;
    file.try_lock().map_err(|_| fail(&"another agent of this host has it"))?;
    Ok(file)
}

fn doors(legs: Legs) -> Doors {
    let port = |port: Option<u16>| port.unwrap_or_default().to_be();
    Doors {
        leg_v4: port(legs.v4),
        leg_v6: port(legs.v6),
        names_v4: port(legs.names_v4),
        names_v6: port(legs.names_v6),
    }
}

fn destination(target: Target, namespace: u64) -> Destination {
    if target.own {
        return Destination::guarded(target.service, namespace);
    }
    let kinds = [
        (target.is_virtual, Destination::VIRTUAL),
        (target.strict, Destination::STRICT),
        (target.fast, Destination::FAST),
        (target.open, Destination::OPEN),
        (target.server.is_none() && target.fallback.is_some(), Destination::ELSEWHERE),
    ];
    let flags = kinds.iter().filter(|(is, _)| *is).map(|(_, flag)| flag).sum();
    match (target.server, target.fallback) {
        (Some(server), _) => Destination::local(target.service, flags, server.into(), namespace),
        (None, Some(fallback)) => Destination::local(target.service, flags, fallback.into(), 0),
        (None, None) => Destination::remote(target.service, flags),
    }
}

fn target(destination: Destination) -> Target {
    let server = Some(destination.server).filter(|server: &Endpoint| !server.is_none());
    let (elsewhere, server) = (destination.has(Destination::ELSEWHERE), server.map(Endpoint::socket_addr));
    Target {
        service: destination.service,
        is_virtual: destination.has(Destination::VIRTUAL),
        server: server.filter(|_| !elsewhere),
        fallback: server.filter(|_| elsewhere),
        open: destination.has(Destination::OPEN),
        strict: destination.has(Destination::STRICT),
        fast: destination.has(Destination::FAST),
        own: destination.has(Destination::HERE),
    }
}

fn strict_port(at: StrictAt) -> StrictPort {
    StrictPort::new(at.cgroup, at.port.to_be())
}

fn strict_at(key: StrictPort) -> StrictAt {
    StrictAt { cgroup: key.cgroup, port: u16::from_be(key.port) }
}

/// The agent's own cgroup, where nobody shares it: what it starts, as checks, is the agent too. 0 for none.
fn own_cgroup() -> u64 {
    let own =
        std::fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| CgroupPath::of_process(&text));
    let own = own.filter(|path| path.shared().is_none());
    let cgroup = own.and_then(|path| Hierarchy::find().ok()?.cgroup(&path));
    cgroup.map_or(0, |cgroup| cgroup.id)
}
