//! Where the agent listens for whom.

use crate::maps::DOORS;
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_get_netns_cookie;
use aya_ebpf::programs::SockAddrContext;
use mesh_common::{Config, Doors};

/// The cookie of the caller's network namespace.
#[inline(always)]
pub fn namespace(ctx: &SockAddrContext) -> u64 {
    // SAFETY: the helper reads the context that the kernel gave.
    unsafe { bpf_get_netns_cookie(ctx.as_ptr()) }
}

/// In that network namespace; `None` where the agent does not listen in there.
#[inline(always)]
pub fn of(config: &Config, namespace: u64) -> Option<Doors> {
    if config.namespace == namespace {
        return Some(config.doors);
    }
    // SAFETY: the value is one word.
    unsafe { DOORS.get(namespace) }.copied()
}
