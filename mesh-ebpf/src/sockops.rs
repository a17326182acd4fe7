//! The life of a connection: carries its origin from the connecting socket to the accepted one.

use crate::context::{local_port, remote_port, words};
use crate::kept;
use crate::maps::{ADMITTED, FLOW, ORIGIN, SOCKETS, TOLD};
use crate::stats::{count, tell_news};
use crate::storage;
use aya_ebpf::EbpfContext;
use aya_ebpf::bindings::{
    BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB, BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB, BPF_SOCK_OPS_STATE_CB,
    BPF_SOCK_OPS_STATE_CB_FLAG, BPF_SOCK_OPS_TCP_CONNECT_CB, BPF_SOCK_OPS_TCP_LISTEN_CB, BPF_TCP_CLOSE,
};
use aya_ebpf::cty::c_void;
use aya_ebpf::helpers::bpf_get_netns_cookie;
use aya_ebpf::macros::sock_ops;
use aya_ebpf::programs::SockOpsContext;
use mesh_common::{Counter, Endpoint, Flow, Origin, Tuple};

const AF_INET: u32 = 2;
const DONE: u32 = 1;

/// The accepting end hears of these.
const ARRIVES: u32 = Origin::AGENT | Origin::FAST;
/// Something is kept of these while they live.
const REMEMBERED: u32 = ARRIVES | Origin::GUARDED;

#[sock_ops]
pub fn mesh_sockops(ctx: SockOpsContext) -> u32 {
    match ctx.op() {
        BPF_SOCK_OPS_TCP_CONNECT_CB => before_syn(&ctx),
        BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB => connected(&ctx),
        BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB => accepted(&ctx),
        BPF_SOCK_OPS_TCP_LISTEN_CB => tell_news(),
        BPF_SOCK_OPS_STATE_CB if ctx.arg(1) == BPF_TCP_CLOSE => closed(&ctx),
        _ => {}
    }
    DONE
}

/// The connecting end has its port now, and the other end cannot have heard of it yet. A plain straight connection
/// needs nothing of this.
#[inline(always)]
fn before_syn(ctx: &SockOpsContext) {
    let Some(origin) = asked(ctx).filter(|origin| origin.has(REMEMBERED)) else { return };
    let tuple = tuple(ctx);
    if origin.has(Origin::GUARDED) {
        let _ = ADMITTED.insert(Tuple { namespace: 0, ..tuple }, origin.destination, 0);
    }
    if origin.has(ARRIVES) {
        let _ = ORIGIN.insert(tuple, origin, 0);
    }
    let _ = ctx.set_cb_flags((ctx.cb_flags() | BPF_SOCK_OPS_STATE_CB_FLAG) as i32);
}

#[inline(always)]
fn connected(ctx: &SockOpsContext) {
    let Some(origin) = asked(ctx).filter(|origin| origin.has(Origin::GUARDED | Origin::FAST)) else { return };
    let tuple = tuple(ctx);
    if origin.has(Origin::GUARDED) {
        let _ = ADMITTED.remove(Tuple { namespace: 0, ..tuple });
    }
    if origin.has(Origin::FAST) {
        share(ctx, tuple);
    }
}

/// The origin moves onto the accepted socket, so that a later connection with the same ports finds none.
#[inline(always)]
fn accepted(ctx: &SockOpsContext) {
    let tuple = tuple(ctx);
    let connecting = tuple.other_end();
    // SAFETY: nobody else writes the entry of a connection that is being made.
    let Some(origin) = (unsafe { ORIGIN.get(connecting) }).copied() else { return };
    let _ = ORIGIN.remove(connecting);
    if origin.has(Origin::FAST) {
        return share(ctx, tuple);
    }
    let Some(socket) = socket(ctx) else { return };
    if !storage::put(&TOLD, socket, origin) {
        count(Counter::Full);
    }
}

/// Whatever became of the connection, nothing of it stays behind.
#[inline(always)]
fn closed(ctx: &SockOpsContext) {
    let Some(origin) = asked(ctx) else { return };
    let tuple = tuple(ctx);
    if origin.has(ARRIVES) {
        let _ = ORIGIN.remove(tuple);
    }
    if origin.has(Origin::GUARDED) {
        let _ = ADMITTED.remove(Tuple { namespace: 0, ..tuple });
    }
}

/// Puts this end within reach of `sk_msg`. The kernel takes it out when the socket closes.
#[inline(always)]
fn share(ctx: &SockOpsContext, mut tuple: Tuple) {
    let Some(socket) = socket(ctx) else { return };
    if storage::put(&FLOW, socket, Flow::to(tuple.other_end())) {
        // SAFETY: the kernel gives the hook a valid context.
        let _ = SOCKETS.update(&mut tuple, unsafe { &mut *ctx.ops }, 0);
    }
}

#[inline(always)]
fn asked(ctx: &SockOpsContext) -> Option<Origin> {
    kept::asked(socket(ctx)?)
}

#[inline(always)]
fn socket(ctx: &SockOpsContext) -> Option<*mut c_void> {
    // SAFETY: as above; the union's other readings are placeholders.
    let socket = unsafe { (*ctx.ops).__bindgen_anon_2.sk };
    (!socket.is_null()).then_some(socket.cast())
}

/// The connection as this end sees it.
#[inline(always)]
fn tuple(ctx: &SockOpsContext) -> Tuple {
    let ops = ctx.ops;
    // SAFETY: the helper reads the context that the kernel gave.
    let namespace = unsafe { bpf_get_netns_cookie(ctx.as_ptr()) };
    let (here, there) = (local_port(ctx.local_port()), remote_port(ctx.remote_port()));
    let (local, remote) = if ctx.family() == AF_INET {
        (Endpoint::from_wire_v4(ctx.local_ip4(), here), Endpoint::from_wire_v4(ctx.remote_ip4(), there))
    } else {
        // SAFETY: as above.
        let (local, remote) =
            unsafe { (words(&raw const (*ops).local_ip6), words(&raw const (*ops).remote_ip6)) };
        (Endpoint::from_wire(local, here), Endpoint::from_wire(remote, there))
    };
    Tuple { namespace, local, remote }
}
