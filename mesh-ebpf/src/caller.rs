//! Who connects.

use crate::address::socket;
use crate::kept;
use crate::maps::WORKLOAD;
use aya_ebpf::helpers::bpf_get_current_cgroup_id;
use aya_ebpf::helpers::generated::bpf_get_current_ancestor_cgroup_id;
use aya_ebpf::programs::SockAddrContext;
use mesh_common::{ANY, ServiceNumber};

/// How deep below the root a workload's cgroup may lie when the caller is in a cgroup below it.
const DEEPEST: i32 = 10;

pub enum Caller {
    /// A process of this service, on a socket that the service made.
    Service(ServiceNumber),
    /// A process of a service, on a socket that was made elsewhere.
    Borrower,
    /// A process of no service.
    Stranger,
}

#[inline(always)]
pub fn cgroup() -> u64 {
    // SAFETY: the helper takes nothing.
    unsafe { bpf_get_current_cgroup_id() }
}

#[inline(always)]
pub fn identify(ctx: &SockAddrContext) -> Caller {
    let cgroup = cgroup();
    let Some(service) = service() else { return Caller::Stranger };
    let Some(maker) = kept::maker(socket(ctx)) else { return Caller::Borrower };
    if maker == cgroup || service_of(maker) == Some(service) {
        return Caller::Service(service);
    }
    Caller::Borrower
}

/// The service that the caller's process is, whoever made the socket.
#[inline(always)]
pub fn service() -> Option<ServiceNumber> {
    let number = number();
    (number != ANY).then_some(number)
}

/// [`ANY`] is nobody's number. Inlined, since the name of a function of its own would hold a hash of where the
/// sources lie, and the object would not be the same bytes everywhere.
#[inline(always)]
fn number() -> ServiceNumber {
    service_of(cgroup()).or_else(service_above).unwrap_or(ANY)
}

#[inline(always)]
fn service_of(cgroup: u64) -> Option<ServiceNumber> {
    // SAFETY: one word is read; at worst it is that of an entry replaced meanwhile.
    unsafe { WORKLOAD.get(cgroup) }.map(|workload| workload.service)
}

/// The nearest cgroup above the caller's own that is a workload.
#[inline(always)]
fn service_above() -> Option<ServiceNumber> {
    let mut level = DEEPEST;
    while level > 0 {
        // SAFETY: the helper gives 0 for a level that is deeper than the caller's cgroup.
        let above = unsafe { bpf_get_current_ancestor_cgroup_id(level) };
        if above != 0
            && let Some(service) = service_of(above)
        {
            return Some(service);
        }
        level -= 1;
    }
    None
}
