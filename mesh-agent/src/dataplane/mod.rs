//! Steers the sockets of this host's services into the mesh.
//!
//! It finds out which processes a local service is, which the kernel knows by their cgroup, computes what the
//! kernel's maps should say, and brings them there step by step without ever letting through whom neither the
//! old state nor the new one lets through. It does not know the catalog, intentions, certificates or how bytes
//! move: others tell it who may reach whom, and serve what it sends them.

mod accelerate;
mod desired;
#[cfg(target_os = "linux")]
mod ebpf;
#[cfg(target_os = "linux")]
pub mod kernel;
#[cfg(target_os = "linux")]
mod lookup;
mod numbers;
mod plan;
mod plane;
mod wishes;
pub mod workload;

#[cfg(test)]
mod tests;

pub use accelerate::{Accelerate, Acceleration, Finding};
pub use desired::{Desired, Guarded, Instance, MeshService, Rule, StrictAt, Target, World};
#[cfg(target_os = "linux")]
pub use ebpf::EbpfDataPlane;
#[cfg(target_os = "linux")]
pub use lookup::Lookup;
pub use numbers::Numbers;
pub use plan::{Plan, Step, plan};
pub use plane::{
    Asked, Cuts, DataPlane, DataPlaneError, Legs, Mode, News, Soon, Steering, UserspaceDataPlane,
};
pub use wishes::{ACCELERATE_KEY, OPEN_KEY, STRICT_KEY, Wishes};

/// Where programs and maps are kept while no agent runs, unless it is said.
pub const DEFAULT_PINS: &str = "/run/mesh/bpf";
