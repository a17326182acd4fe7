//! `getpeername()`: the application sees whom it asked for, not where it was sent.

use crate::address::{Family, V4, V6, socket};
use crate::kept;
use aya_ebpf::macros::cgroup_sock_addr;
use aya_ebpf::programs::SockAddrContext;

const GO_ON: i32 = 1;

#[cgroup_sock_addr(getpeername4)]
pub fn mesh_getpeername4(ctx: SockAddrContext) -> i32 {
    restore::<V4>(&ctx)
}

#[cgroup_sock_addr(getpeername6)]
pub fn mesh_getpeername6(ctx: SockAddrContext) -> i32 {
    restore::<V6>(&ctx)
}

#[inline(always)]
fn restore<F: Family>(ctx: &SockAddrContext) -> i32 {
    if let Some(origin) = kept::asked(socket(ctx)) {
        F::write(ctx, origin.endpoint);
    }
    GO_ON
}
