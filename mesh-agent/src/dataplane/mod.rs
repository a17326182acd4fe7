//! Steers the sockets of this host's services into the mesh.
//!
//! It finds out which processes a local service is, which the kernel knows by their cgroup. It does not know
//! the catalog, intentions, certificates or how bytes move: others tell it who may reach whom, and serve what
//! it sends them.

pub mod workload;
