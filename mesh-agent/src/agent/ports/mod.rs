//! The plugs between rooms that do not know each other: each file makes one room's type serve another's port.

mod authority;
mod authorize;
mod ca_store;
mod captures;
mod desk;
mod elsewhere;
mod endpoints;
mod events;
mod leadership;
mod meant;
mod names;
mod operator;
mod primary;
mod remote_endpoints;
mod signer;
mod this_node;
mod voters;

pub(super) use authority::RemoteAuthority;
pub(super) use authorize::PolicyAuthorize;
pub(super) use ca_store::CatalogCaStore;
pub(super) use captures::KernelCaptures;
pub(super) use desk::ApiDesk;
pub(super) use elsewhere::{InsidePages, ToLeader, ToServers};
pub(super) use endpoints::MeshEndpoints;
pub(super) use events::open as open_events;
pub(super) use leadership::CatalogLeadership;
pub(super) use meant::KernelMeant;
pub(super) use names::{NamesAcross, NamesHere};
pub(super) use operator::RaftOperator;
pub(super) use primary::PrimaryDatacenter;
pub(super) use remote_endpoints::RemoteFollower;
pub(super) use signer::LocalSigner;
pub(super) use this_node::LocalNode;
pub(super) use voters::CarefulVoters;
