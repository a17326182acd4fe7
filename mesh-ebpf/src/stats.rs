use crate::maps::{COUNTERS, EVENTS, NEWS};
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_get_current_cgroup_id;
use aya_ebpf::programs::SockAddrContext;
use mesh_common::{Counter, Denied, Endpoint, ServiceNumber};

#[inline(always)]
pub fn count(counter: Counter) {
    if let Some(value) = COUNTERS.get_ptr_mut(counter as u32) {
        // SAFETY: the value is this processor's own.
        unsafe { *value += 1 };
    }
}

/// Tells the agent of a denial, where there is room.
#[inline(always)]
pub fn tell_denied(ctx: &SockAddrContext, source: ServiceNumber, destination: ServiceNumber, to: Endpoint) {
    let Some(mut event) = EVENTS.reserve::<Denied>(0) else { return };
    // SAFETY: the helper takes nothing and reads what it is asked for.
    let cgroup = unsafe { bpf_get_current_cgroup_id() };
    event.write(Denied { cgroup, process: ctx.tgid(), source, destination, endpoint: to });
    event.submit(0);
}

/// Has the agent look at its host, where it has not been asked to in vain already: what does not fit is dropped.
#[inline(always)]
pub fn tell_news() {
    let _ = NEWS.output::<u64>(&0, 0);
}
