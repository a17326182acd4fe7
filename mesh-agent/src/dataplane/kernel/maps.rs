use super::error::KernelError;
use super::facts::MapFill;
use super::news::KernelNews;
use super::table::{Table, take};
use aya::Ebpf;
use aya::maps::{Array, MapData, PerCpuArray, RingBuf, SkStorage};
use mesh_common::{
    Config, Counter, Denied, Destination, Doors, Endpoint, Flow, Origin, Pair, ServiceNumber, StrictPort,
    Tuple, Workload,
};
use std::net::TcpStream;

/// Each map of the object, by the name it is pinned under.
pub(super) const NAMES: [&str; 16] = [
    "workload", "dest", "intent", "cfg", "doors", "counters", "events", "news", "origin", "admitted",
    "strict", "sockets", "FLOW", "resolver", "KEPT", "TOLD",
];

/// What the agent tells the programs, and what they tell it.
pub struct Maps {
    /// By the id of the cgroup.
    pub workload: Table<u64, Workload>,
    pub destination: Table<Endpoint, Destination>,
    /// The value is an [`mesh_common::Action`] as a number.
    pub intent: Table<Pair, u32>,
    /// Has effect while [`super::Attachment::guard_strict`] is on.
    pub strict: Table<StrictPort, ServiceNumber>,
    /// Where the agent listens in other network namespaces than its own, by their cookies.
    pub doors: Table<u64, Doors>,
    /// Connections that have not arrived yet; the programs keep these two.
    pub origin: Table<Tuple, Origin>,
    pub admitted: Table<Tuple, u32>,
    /// Whom a socket asked for names, by its cookie; the programs keep it.
    pub resolver: Table<u64, Endpoint>,
    flow: SkStorage<MapData, Flow>,
    config: Array<MapData, Config>,
    counters: PerCpuArray<MapData, u64>,
    events: RingBuf<MapData>,
    /// Until somebody takes it.
    news: Option<RingBuf<MapData>>,
}

impl Maps {
    pub(super) fn take(ebpf: &mut Ebpf) -> Result<Self, KernelError> {
        let opening = |name| move |error| KernelError::map(name, "opening", error);
        Ok(Self {
            workload: Table::take(ebpf, "workload")?,
            destination: Table::take(ebpf, "dest")?,
            intent: Table::take(ebpf, "intent")?,
            strict: Table::take(ebpf, "strict")?,
            origin: Table::take(ebpf, "origin")?,
            admitted: Table::take(ebpf, "admitted")?,
            flow: take(ebpf, "FLOW")?.try_into().map_err(opening("FLOW"))?,
            doors: Table::take(ebpf, "doors")?,
            resolver: Table::take(ebpf, "resolver")?,
            config: take(ebpf, "cfg")?.try_into().map_err(opening("cfg"))?,
            counters: take(ebpf, "counters")?.try_into().map_err(opening("counters"))?,
            events: take(ebpf, "events")?.try_into().map_err(opening("events"))?,
            news: Some(take(ebpf, "news")?.try_into().map_err(opening("news"))?),
        })
    }

    /// What the programs know of the agent. All zero before it first speaks.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn config(&self) -> Result<Config, KernelError> {
        self.config.get(&0, 0).map_err(|e| KernelError::map("cfg", "reading", e))
    }

    /// # Errors
    /// The kernel refused.
    pub fn set_config(&mut self, config: Config) -> Result<(), KernelError> {
        self.config.set(0, config, 0).map_err(|e| KernelError::map("cfg", "writing", e))
    }

    /// One counter since the programs were first loaded, over all processors.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn counter(&self, counter: Counter) -> Result<u64, KernelError> {
        let values = self.counters.get(&(counter as u32), 0);
        let values = values.map_err(|e| KernelError::map("counters", "reading", e))?;
        Ok(values.iter().sum())
    }

    /// Every counter, in the order of [`Counter::ALL`].
    ///
    /// # Errors
    /// The kernel refused.
    pub fn counters(&self) -> Result<Vec<(Counter, u64)>, KernelError> {
        Counter::ALL.into_iter().map(|counter| Ok((counter, self.counter(counter)?))).collect()
    }

    /// Adds to a counter that the agent keeps itself, as [`Counter::Cut`].
    ///
    /// # Errors
    /// The kernel refused.
    pub fn add(&mut self, counter: Counter, more: u64) -> Result<(), KernelError> {
        let index = counter as u32;
        let values = self.counters.get(&index, 0).map_err(|e| KernelError::map("counters", "reading", e))?;
        let mut values: Vec<u64> = values.iter().copied().collect();
        if let Some(first) = values.first_mut() {
            *first += more;
        }
        let values = values
            .try_into()
            .map_err(|e| KernelError::map("counters", "writing", aya::maps::MapError::IoError(e)))?;
        self.counters.set(index, values, 0).map_err(|e| KernelError::map("counters", "writing", e))
    }

    /// From now on `sk_msg` may carry what this socket sends, if both ends are among its sockets.
    pub(super) fn let_flow(&mut self, socket: &TcpStream, peer: Tuple) -> Result<(), KernelError> {
        let written = self.flow.insert(socket, Flow::to(peer), 0);
        written.map_err(|e| KernelError::map("FLOW", "writing", e))
    }

    /// What tells that the host should be looked at. There is one reader.
    pub fn take_news(&mut self) -> Option<KernelNews> {
        self.news.take().and_then(|ring| KernelNews::new(ring).ok())
    }

    /// The next denial that nobody has heard of yet.
    pub fn next_denied(&mut self) -> Option<Denied> {
        let item = self.events.next()?;
        if item.len() < size_of::<Denied>() {
            return None;
        }
        // SAFETY: the programs write a whole `Denied`, which is valid for every bit pattern.
        Some(unsafe { std::ptr::read_unaligned(item.as_ptr().cast()) })
    }

    /// How full the maps are.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn fill(&self) -> Result<Vec<MapFill>, KernelError> {
        Ok(vec![
            MapFill::of(&self.workload)?,
            MapFill::of(&self.destination)?,
            MapFill::of(&self.intent)?,
            MapFill::of(&self.strict)?,
            MapFill::of(&self.origin)?,
            MapFill::of(&self.admitted)?,
            MapFill::of(&self.resolver)?,
            MapFill::of(&self.doors)?,
        ])
    }
}
