use super::accelerate::Finding;
use super::desired::Desired;
use super::numbers::Numbers;
use super::plan::{Step, plan};
use mesh_common::Pair;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

/// Where the maps are kept, and how sockets are steered by them.
pub trait DataPlane: Send {
    /// How connections come into the mesh.
    fn mode(&self) -> Mode;

    /// What the maps say now; they may have outlived the agent that wrote them.
    ///
    /// # Errors
    /// The maps cannot be read.
    fn contents(&self) -> Result<Desired, DataPlaneError>;

    /// Makes one change.
    ///
    /// # Errors
    /// It was not made.
    fn apply(&mut self, step: &Step) -> Result<(), DataPlaneError>;

    /// Says that the agent lives and where its transparent listeners are: in its own network namespace, and in others,
    /// by their cookies. When it has not been said for ten seconds, connections that need the agent are refused.
    ///
    /// # Errors
    /// It could not be said.
    fn beat(&mut self, _: Legs, _: &BTreeMap<u64, Legs>) -> Result<(), DataPlaneError> {
        Ok(())
    }

    /// What tells that the host should be looked at, where anything does; once.
    fn news(&mut self) -> Option<Box<dyn News>> {
        None
    }

    /// What writes into the log what the data plane tells of itself, where it does; once.
    fn records(&mut self) -> Option<Box<dyn News>> {
        None
    }

    /// Ends the open connections that went straight to their server and that `forbidden` says, here and in other
    /// network namespaces; how many.
    ///
    /// # Errors
    /// Some of them may be left.
    fn cut(&mut self, _: &dyn Fn(Pair) -> bool, _: &[Arc<dyn Cuts>]) -> Result<u64, DataPlaneError> {
        Ok(0)
    }

    /// Who ends connections, where the kernel steers them.
    fn cuts(&self) -> Option<Arc<dyn Cuts>> {
        None
    }

    /// Tries how messages that go past TCP arrive here.
    fn try_acceleration(&mut self) -> Finding {
        Finding::Doubtful("only the kernel can do that".to_owned())
    }

    /// Who knows whom programs asked for names, where their questions are sent to the agent.
    fn resolvers(&self) -> Option<Arc<dyn Asked>> {
        None
    }

    /// Figures for people, by name.
    fn facts(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
}

/// Whom a program asked for a name, before its question was sent to the agent.
pub trait Asked: Send + Sync {
    /// `here` is where it arrived.
    fn server(&self, udp: bool, client: SocketAddr, here: SocketAddr) -> Option<SocketAddr>;

    /// The same, for programs in the network namespace that this thread is in.
    fn here(&self) -> Option<Arc<dyn Asked>>;
}

/// Ends connections of one network namespace.
pub trait Cuts: Send + Sync {
    /// Those that went straight to their server and that `forbidden` says; how many.
    ///
    /// # Errors
    /// Some of them may be left.
    fn cut(&self, forbidden: &dyn Fn(Pair) -> bool) -> Result<u64, DataPlaneError>;

    /// The same, in the network namespace that this thread is in.
    fn here(&self) -> Option<Arc<dyn Cuts>>;
}

/// Tells that something has changed on this host that it should be looked at for.
pub trait News: Send {
    /// When there is something. It may be for nothing, and one look is enough for all of it.
    fn next(&mut self) -> Soon<'_, ()>;
}

pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The ports of the transparent listeners, and of the door for names, at 127.0.0.1 and at `::1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Legs {
    pub v4: Option<u16>,
    pub v6: Option<u16>,
    pub names_v4: Option<u16>,
    pub names_v6: Option<u16>,
}

/// How an application's connections come into the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By upstream listeners that it is told of; and why not by itself.
    Userspace { reason: String },
    /// By itself: the kernel steers them.
    Ebpf,
}

impl Mode {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Userspace { .. } => "userspace",
            Self::Ebpf => "ebpf",
        }
    }
}

/// Why the data plane is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("the data plane could not be {attempt}: {reason}")]
pub struct DataPlaneError {
    pub attempt: &'static str,
    pub reason: String,
}

impl DataPlaneError {
    pub fn new(attempt: &'static str, reason: &dyn std::fmt::Display) -> Self {
        Self { attempt, reason: reason.to_string() }
    }
}

/// There is nothing to steer: applications use upstream listeners.
#[derive(Debug)]
pub struct UserspaceDataPlane {
    reason: String,
}

impl UserspaceDataPlane {
    /// `reason` is for people: what was configured, or what is missing.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl DataPlane for UserspaceDataPlane {
    fn mode(&self) -> Mode {
        Mode::Userspace { reason: self.reason.clone() }
    }

    fn contents(&self) -> Result<Desired, DataPlaneError> {
        Ok(Desired::default())
    }

    fn apply(&mut self, _: &Step) -> Result<(), DataPlaneError> {
        Ok(())
    }
}

/// Brings a data plane to what is desired, knowing what it says already.
pub struct Steering {
    plane: Box<dyn DataPlane>,
    /// `None` where that has to be read first.
    shadow: Option<Desired>,
    /// How often open connections are still to be looked through.
    looks: u8,
}

/// After a change, open connections are looked through this often, a turn each: a connect that was let through
/// just before it may not be seen as a connection at once.
const LOOKS: u8 = 2;

impl Steering {
    pub fn new(plane: Box<dyn DataPlane>) -> Self {
        Self { plane, shadow: None, looks: LOOKS }
    }

    pub fn mode(&self) -> Mode {
        self.plane.mode()
    }

    pub fn plane(&mut self) -> &mut dyn DataPlane {
        &mut *self.plane
    }

    /// What the maps say.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn says(&mut self) -> Result<&Desired, DataPlaneError> {
        if self.shadow.is_none() {
            self.shadow = Some(self.plane.contents()?);
        }
        Ok(self.shadow.as_ref().expect("it has just been read"))
    }

    /// How many changes that took.
    ///
    /// # Errors
    /// A change could not be made, and none after it was tried. The next call begins with reading the maps.
    pub fn bring_to(&mut self, desired: &Desired) -> Result<usize, DataPlaneError> {
        let mut shadow = match self.shadow.take() {
            Some(shadow) => shadow,
            None => self.plane.contents()?,
        };
        let plan = plan(desired, &shadow);
        for step in &plan {
            self.plane.apply(step)?;
            shadow.take(step);
            self.looks = LOOKS;
        }
        self.shadow = Some(shadow);
        Ok(plan.len())
    }

    /// Ends the open connections that the maps, which are at `desired` now, would not let through again; how many.
    /// There can be some where something has changed since, or where the maps have outlived an agent.
    ///
    /// `elsewhere` are those of other network namespaces.
    ///
    /// # Errors
    /// Some of them may be left; the next call tries again.
    pub fn cut(
        &mut self,
        desired: &Desired,
        numbers: &Numbers,
        elsewhere: &[Arc<dyn Cuts>],
    ) -> Result<u64, DataPlaneError> {
        if self.looks == 0 {
            return Ok(0);
        }
        let forbidden = |pair: Pair| {
            let pair =
                Pair { source: numbers.current(pair.source), destination: numbers.current(pair.destination) };
            !desired.allows(pair)
        };
        let ended = self.plane.cut(&forbidden, elsewhere)?;
        self.looks -= 1;
        Ok(ended)
    }

    /// Open connections are looked through again: there are some now that could not be seen before.
    pub fn look_again(&mut self) {
        self.looks = LOOKS;
    }
}
