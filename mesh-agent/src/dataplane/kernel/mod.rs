//! The kernel side of the data path: loads the programs of `mesh-ebpf`, attaches them to a cgroup and
//! keeps the maps they read.
//!
//! It knows numbers, addresses and cgroups. It does not know which service has which number, what the
//! maps should say, or what leg F does with a connection: `Desired` and `Plan` above it do.

mod attachment;
mod bpf;
mod btf;
mod cut;
mod diag;
mod error;
mod facts;
mod held;
mod host;
mod ladder;
mod maps;
mod mounts;
mod namespace;
mod news;
mod object;
mod pins;
mod programs;
mod queue;
mod records;
mod resolvers;
mod socket;
mod table;
mod trial;

pub use attachment::Attachment;
pub use cut::Cutter;
pub use error::KernelError;
pub use facts::{Facts, MapFill, ProgramFacts};
pub use host::{Host, Unfit};
pub use ladder::Ladder;
pub use maps::Maps;
pub use namespace::enter_network;
pub use news::KernelNews;
pub use pins::{DEFAULT_PINS, Pins};
pub use records::Records;
pub use resolvers::Resolvers;
pub use socket::{cgroup_id, monotonic_now, namespace_cookie, origin_of};
pub use table::Table;
pub use trial::Doubt;
