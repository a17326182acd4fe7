//! What the programs read and write. The agent finds each map by its name.

use aya_ebpf::btf_maps::SkStorage;
use aya_ebpf::macros::{btf_map, map};
use aya_ebpf::maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf, SockHash};
use mesh_common::{
    Config, Counter, Destination, Doors, Endpoint, Flow, Kept, Origin, Pair, ServiceNumber, StrictPort,
    Tuple, Workload,
};

const CONNECTIONS: u32 = 65_536;

/// By cgroup id.
#[map(name = "workload")]
pub static WORKLOAD: HashMap<u64, Workload> = HashMap::with_max_entries(16_384, 0);

#[map(name = "dest")]
pub static DESTINATION: HashMap<Endpoint, Destination> = HashMap::with_max_entries(65_536, 0);

/// The value is an action as a number.
#[map(name = "intent")]
pub static INTENT: HashMap<Pair, u32> = HashMap::with_max_entries(65_536, 0);

#[map(name = "cfg")]
pub static CONFIG: Array<Config> = Array::with_max_entries(1, 0);

/// Where the agent listens in other network namespaces than its own, by their cookies.
#[map(name = "doors")]
pub static DOORS: HashMap<u64, Doors> = HashMap::with_max_entries(1_024, 0);

#[map(name = "counters")]
pub static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(Counter::COUNT, 0);

#[map(name = "events")]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(256 * 1024, 0);

/// What should be looked at: somebody has begun to listen, or has no door.
#[map(name = "news")]
pub static NEWS: RingBuf = RingBuf::with_byte_size(4_096, 0);

/// From the SYN of a redirected connection to its arrival, by the connecting end.
#[map(name = "origin")]
pub static ORIGIN: LruHashMap<Tuple, Origin> = LruHashMap::with_max_entries(CONNECTIONS, 0);

/// The connecting ends that a strict port lets in, until they are in. Their namespace is left out:
/// who reaches a port by these addresses is in the same one.
#[map(name = "admitted")]
pub static ADMITTED: LruHashMap<Tuple, u32> = LruHashMap::with_max_entries(CONNECTIONS, 0);

#[map(name = "strict")]
pub static STRICT: HashMap<StrictPort, ServiceNumber> = HashMap::with_max_entries(4_096, 0);

/// Both ends of the connections that `sk_msg` may carry, each by its own view.
#[map(name = "sockets")]
pub static SOCKETS: SockHash<Tuple> = SockHash::with_max_entries(CONNECTIONS, 0);

/// Whom a socket asked for names, by its cookie. What is evicted is asked of the agent's own recursors.
#[map(name = "resolver")]
pub static RESOLVER: LruHashMap<u64, Endpoint> = LruHashMap::with_max_entries(16_384, 0);

/// On every socket that was made while the programs were there.
#[btf_map]
pub static KEPT: SkStorage<Kept> = SkStorage::new();

/// On both ends of a connection that `sk_msg` may carry.
#[btf_map]
pub static FLOW: SkStorage<Flow> = SkStorage::new();

/// On a socket that leg F accepted: where its peer wanted to go.
#[btf_map]
pub static TOLD: SkStorage<Origin> = SkStorage::new();
