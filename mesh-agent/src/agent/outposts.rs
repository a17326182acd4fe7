use super::dataplane_facts::Places;
use super::ports::{KernelCaptures, KernelMeant};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::dataplane::workload::{Dweller, Networks};
use crate::dataplane::{Asked, Cuts, Legs};
use crate::dns::{Across, CapturedDns, DnsOptions};
use crate::proxy::{Engine, ListenerHandle, TransparentSpec};
use crate::task::Shutdown;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

/// Network namespaces that are served at most: each has a thread.
const MOST: usize = 256;

/// What a door is opened with.
#[derive(Clone)]
pub(super) struct OutpostKit {
    pub engine: Engine,
    pub captures: Arc<KernelCaptures>,
    pub catalog: Catalog,
    /// Whom other datacenters' names are asked of.
    pub across: Arc<dyn Across>,
    /// Who answers those that ask for names; `None` leaves them alone.
    pub names: Option<(DnsOptions, Arc<dyn Asked>)>,
    /// Who ends connections.
    pub cuts: Option<Arc<dyn Cuts>>,
}

/// The agent's doors in network namespaces other than its own, where containers are: loopback addresses mean something
/// else in each. A thread that has moved there opens them, asks other resolvers from there, and does nothing else.
pub(super) struct Outposts {
    kit: OutpostKit,
    /// By the inode number of the namespace.
    open: BTreeMap<u64, Outpost>,
    /// Why there are no doors.
    closed: Places,
    /// Told to go, and not gone yet.
    leaving: Vec<JoinHandle<()>>,
}

struct Outpost {
    cookie: u64,
    legs: Legs,
    cuts: Option<Arc<dyn Cuts>>,
    service: String,
    shutdown: Shutdown,
    thread: JoinHandle<()>,
}

/// What a thread says when it has settled: the namespace's cookie, where it listens, and who ends connections there.
type Settled = Result<(u64, Legs, Option<Arc<dyn Cuts>>), String>;

impl Outposts {
    pub fn new(kit: OutpostKit) -> Self {
        Self { kit, open: BTreeMap::new(), closed: Places::new(), leaving: Vec::new() }
    }

    /// Opens doors where workloads are, and leaves where none are any more; whether any were opened. Those that could
    /// not be are tried again.
    pub async fn keep(&mut self, networks: &Networks, shutdown: &Shutdown) -> bool {
        let mut some = false;
        self.leaving.retain(|thread| !thread.is_finished());
        self.closed.clear();
        let gone: Vec<u64> =
            self.open.keys().filter(|inode| !networks.contains_key(inode)).copied().collect();
        for outpost in gone.iter().filter_map(|inode| self.open.remove(inode)) {
            outpost.shutdown.begin();
            self.leaving.push(outpost.thread);
        }
        for (inode, dweller) in networks {
            if self.open.contains_key(inode) {
                continue;
            }
            match self.settle(*inode, dweller, shutdown).await {
                Ok(outpost) => {
                    self.open.insert(*inode, outpost);
                    some = true;
                }
                Err(reason) => {
                    let why = format!("NOT served, its connections are refused: {reason}");
                    self.closed.insert(*inode, (dweller.service.clone(), why));
                }
            }
        }
        some
    }

    /// Who ends connections there.
    pub fn cuts(&self) -> Vec<Arc<dyn Cuts>> {
        self.open.values().filter_map(|outpost| outpost.cuts.clone()).collect()
    }

    async fn settle(&self, inode: u64, dweller: &Dweller, shutdown: &Shutdown) -> Result<Outpost, String> {
        if self.open.len() >= MOST {
            return Err(format!("the agent is in {MOST} network namespaces already"));
        }
        let (kit, shutdown, process) = (self.kit.clone(), shutdown.child(), dweller.process);
        let (settled, told) = oneshot::channel();
        let thread = {
            let shutdown = shutdown.clone();
            let live = move || live(process, inode, &kit, &shutdown, settled);
            thread::Builder::new().name("mesh-outpost".to_owned()).spawn(live)
        };
        let thread = thread.map_err(|error| error.to_string())?;
        let (cookie, legs, cuts) =
            told.await.unwrap_or_else(|_| Err("the thread for it has died".to_owned()))?;
        Ok(Outpost { cookie, legs, cuts, service: dweller.service.clone(), shutdown, thread })
    }

    /// Where the doors are, by the namespaces' cookies.
    pub fn legs(&self) -> BTreeMap<u64, Legs> {
        self.open.values().map(|outpost| (outpost.cookie, outpost.legs)).collect()
    }

    /// For people.
    pub fn places(&self) -> Places {
        let served = self.open.iter().map(|(inode, o)| (*inode, (o.service.clone(), "served".to_owned())));
        served.chain(self.closed.clone()).collect()
    }

    /// Closes all doors, and waits until the threads have gone.
    pub async fn finish(self) {
        let open = self.open.into_values().inspect(|outpost| outpost.shutdown.begin());
        let threads: Vec<_> = open.map(|outpost| outpost.thread).chain(self.leaving).collect();
        let join = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        let _ = tokio::task::spawn_blocking(join).await; // A panic in there has been told of.
    }
}

/// The life of a thread in another network namespace.
fn live(process: u32, inode: u64, kit: &OutpostKit, shutdown: &Shutdown, settled: oneshot::Sender<Settled>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let entered = runtime.and_then(|runtime| Ok((runtime, enter(process, inode)?)));
    let (runtime, cookie) = match entered {
        Ok(entered) => entered,
        Err(error) => return drop(settled.send(Err(error.to_string()))),
    };
    runtime.block_on(async {
        let (listeners, legs) = listen(kit);
        let (names, legs) = open_names(kit, legs).await;
        let outcome = if listeners.is_empty() {
            Err("no port can be had there".to_owned())
        } else {
            Ok((cookie, legs, kit.cuts.as_ref().and_then(|cuts| cuts.here())))
        };
        let serves = outcome.is_ok();
        if settled.send(outcome).is_err() || !serves {
            return;
        }
        match names {
            Some(names) => names.run(shutdown.clone()).await,
            None => shutdown.begun().await,
        }
        drop(listeners);
    });
}

#[cfg(target_os = "linux")]
fn enter(process: u32, inode: u64) -> io::Result<u64> {
    crate::dataplane::kernel::enter_network(process, inode)
}

#[cfg(not(target_os = "linux"))]
fn enter(_: u32, _: u64) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A port for each family that there is, chosen by the system.
pub(super) fn listen(kit: &OutpostKit) -> (Vec<ListenerHandle>, Legs) {
    let mut listeners = Vec::new();
    let mut open = |loopback: IpAddr| {
        let spec = TransparentSpec { bind: SocketAddr::new(loopback, 0), captures: kit.captures.clone() };
        let listener = kit.engine.transparent(spec).inspect_err(|error| {
            tracing::warn!(%error, "captured connections to addresses of this family are refused");
        });
        let listener = listener.ok()?;
        let port = listener.local_addr().port();
        listeners.push(listener);
        Some(port)
    };
    let v4 = open(Ipv4Addr::LOCALHOST.into());
    let legs = Legs { v4, v6: open(Ipv6Addr::LOCALHOST.into()), ..Legs::default() };
    (listeners, legs)
}

/// Where it does not open, names are asked of whom they were meant for.
async fn open_names(kit: &OutpostKit, legs: Legs) -> (Option<CapturedDns>, Legs) {
    let Some((options, asked)) = &kit.names else { return (None, legs) };
    let Some(asked) = asked.here() else { return (None, legs) };
    let meant = Arc::new(KernelMeant(asked));
    let (options, across) = (options.clone(), kit.across.clone());
    let door = CapturedDns::bind(options, kit.catalog.clone(), Clock::System, across, meant).await;
    match door {
        Ok(door) => {
            let port = |loopback: IpAddr| door.port(loopback);
            let (names_v4, names_v6) = (port(Ipv4Addr::LOCALHOST.into()), port(Ipv6Addr::LOCALHOST.into()));
            (Some(door), Legs { names_v4, names_v6, ..legs })
        }
        Err(error) => {
            tracing::warn!(%error, "questions for names in another network namespace are left alone");
            (None, legs)
        }
    }
}
