//! Records of what the programs decide, for whoever looks for a mistake: in an object that is built for that
//! (`cargo xtask build --log`), and in no other.

#[cfg(feature = "log")]
use crate::caller;
#[cfg(feature = "log")]
use aya_ebpf::EbpfContext;
use aya_ebpf::programs::SockAddrContext;
use mesh_common::{Counter, Endpoint};

#[cfg(feature = "log")]
#[inline(always)]
pub fn decided(ctx: &SockAddrContext, wanted: Endpoint, as_what: Counter) {
    let (counter, process, cgroup) = (as_what as u32, ctx.tgid(), caller::cgroup());
    let port = u16::from_be(wanted.wire_port());
    if wanted.is_v4() {
        let address = u32::from_be(wanted.address()[3]);
        aya_log_ebpf::debug!(
            ctx,
            "process {} of cgroup {} connects to {:i}:{}: counter {}",
            process,
            cgroup,
            address,
            port,
            counter
        );
    } else {
        aya_log_ebpf::debug!(
            ctx,
            "process {} of cgroup {} connects by IPv6 to port {}: counter {}",
            process,
            cgroup,
            port,
            counter
        );
    }
}

#[cfg(not(feature = "log"))]
#[inline(always)]
pub fn decided(_: &SockAddrContext, _: Endpoint, _: Counter) {}
