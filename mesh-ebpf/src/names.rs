//! Questions for names: those of the mesh's workloads go to the agent, and answers come from whom they asked.
//!
//! Nobody can see here which name is asked for, so the agent is sent all of them, and passes on those that are not
//! the mesh's to whom they were meant for. Where there is no agent, nothing is touched: a name allows nothing.

use crate::address::{Family, V4, V6, socket};
use crate::caller;
use crate::doors;
use crate::kept;
use crate::maps::{CONFIG, RESOLVER};
use crate::stats::count;
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::helpers::generated::bpf_get_socket_cookie;
use aya_ebpf::macros::cgroup_sock_addr;
use aya_ebpf::programs::SockAddrContext;
use mesh_common::{Config, Counter, Endpoint, Origin};

const GO_ON: i32 = 1;
/// 53, in network order.
const RESOLVER_PORT: u16 = 53_u16.to_be();

#[cgroup_sock_addr(sendmsg4)]
pub fn mesh_sendmsg4(ctx: SockAddrContext) -> i32 {
    ask::<V4>(&ctx)
}

#[cgroup_sock_addr(sendmsg6)]
pub fn mesh_sendmsg6(ctx: SockAddrContext) -> i32 {
    ask::<V6>(&ctx)
}

#[cgroup_sock_addr(recvmsg4)]
pub fn mesh_recvmsg4(ctx: SockAddrContext) -> i32 {
    answered::<V4>(&ctx)
}

#[cgroup_sock_addr(recvmsg6)]
pub fn mesh_recvmsg6(ctx: SockAddrContext) -> i32 {
    answered::<V6>(&ctx)
}

#[inline(always)]
pub fn is_resolver(wanted: Endpoint) -> bool {
    wanted.wire_port() == RESOLVER_PORT
}

/// `connect()` of a UDP socket.
#[inline(always)]
pub fn connect<F: Family>(ctx: &SockAddrContext) -> i32 {
    kept::forget(socket(ctx));
    ask::<F>(ctx)
}

#[inline(always)]
fn ask<F: Family>(ctx: &SockAddrContext) -> i32 {
    let wanted = F::read(ctx);
    match CONFIG.get(0) {
        Some(config) if is_resolver(wanted) => send::<F>(ctx, config, wanted),
        _ => GO_ON,
    }
}

/// To the agent, if this is a workload of the mesh in the agent's network namespace.
#[inline(always)]
pub fn send<F: Family>(ctx: &SockAddrContext, config: &Config, wanted: Endpoint) -> i32 {
    let Some(door) = door(ctx, config, wanted) else { return GO_ON };
    if config.is_agent(ctx.tgid(), caller::cgroup()) {
        return GO_ON;
    }
    let Some(source) = caller::service() else { return GO_ON };
    let origin = Origin { source, destination: 0, endpoint: wanted, path: Origin::NAMES };
    // SAFETY: the helper reads the context that the kernel gave.
    let cookie = unsafe { bpf_get_socket_cookie(ctx.as_ptr()) };
    if RESOLVER.insert(cookie, wanted, 0).is_ok() && kept::ask(socket(ctx), origin) {
        F::write(ctx, door);
        count(Counter::Names);
    }
    GO_ON
}

#[inline(always)]
fn door(ctx: &SockAddrContext, config: &Config, wanted: Endpoint) -> Option<Endpoint> {
    // SAFETY: the helper takes nothing.
    if !config.knows_names(unsafe { bpf_ktime_get_ns() }) {
        return None;
    }
    let port = doors::of(config, doors::namespace(ctx))?.names(wanted.is_v4());
    (port != 0).then(|| Endpoint::from_wire(wanted.loopback(), port))
}

/// Who asked one server does not take the answer of another.
#[inline(always)]
fn answered<F: Family>(ctx: &SockAddrContext) -> i32 {
    let Some(origin) = kept::asked(socket(ctx)) else { return GO_ON };
    let (from, Some(config)) = (F::read(ctx), CONFIG.get(0)) else { return GO_ON };
    if !origin.has(Origin::NAMES) || from.address() != from.loopback() {
        return GO_ON;
    }
    let Some(doors) = doors::of(config, doors::namespace(ctx)) else { return GO_ON };
    if from.wire_port() == doors.names(from.is_v4()) {
        F::write(ctx, origin.endpoint);
    }
    GO_ON
}
