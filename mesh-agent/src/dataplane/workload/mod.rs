//! Which cgroups a local service is.
//!
//! A process proves nothing by its pid or by the port it listens on; what it cannot choose is the cgroup that
//! its sockets were made in. So a service is bound to cgroups: to those that its registration names, to those
//! that `mesh run` made for it, or, where nothing is said, to that of the process which listens on its port.
//! [`HostView`] reads what there is, and [`resolve`] decides from that alone.

mod cgroup;
mod claim;
mod hierarchy;
mod host;
mod listener;
mod networks;
mod resolve;
mod run;
mod selector;

#[cfg(test)]
mod tests;

pub use cgroup::{Cgroup, CgroupPath};
pub use claim::{Claim, Instance};
pub use hierarchy::{Hierarchy, HierarchyError};
pub use host::{HostView, Process, Wanted};
pub use listener::Listener;
pub use networks::{Dweller, Networks};
pub use resolve::{Evidence, Identities, NoWorkload, Unbound, Workload, resolve};
pub use run::RunError;
pub use selector::{META_KEY, Selector, SelectorError};
