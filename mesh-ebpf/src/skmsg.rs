//! A message between two sockets of this host: handed over past TCP, within a credit.
//!
//! This way has no flow control, and the kernel gives a reader what came past TCP before what came by
//! TCP. So a direction that was ever left to TCP stays there, and a direction may hand over only so much
//! in its life that a reader who never reads cannot make the kernel hold more.

use crate::context::{local_port, remote_port, words};
use crate::maps::{FLOW, SOCKETS};
use crate::stats::count;
use aya_ebpf::EbpfContext;
use aya_ebpf::bindings::{BPF_F_INGRESS, sk_action};
use aya_ebpf::helpers::bpf_get_netns_cookie;
use aya_ebpf::macros::sk_msg;
use aya_ebpf::programs::SkMsgContext;
use mesh_common::{Counter, Endpoint, Flow, Tuple};

const AF_INET: u32 = 2;

/// Always passes: with a redirection asked for, the kernel hands over; without, TCP carries the message.
#[sk_msg]
pub fn mesh_skmsg(ctx: SkMsgContext) -> u32 {
    if hand_over(&ctx).is_some() {
        count(Counter::Moved);
    }
    sk_action::SK_PASS
}

#[inline(always)]
fn hand_over(ctx: &SkMsgContext) -> Option<()> {
    let tuple = tuple(ctx);
    let mut peer = tuple.other_end();
    let (flow, end) = match FLOW.get_ptr_mut(tuple) {
        Some(flow) => (flow, 0),
        None => (FLOW.get_ptr_mut(peer)?, 1),
    };
    // SAFETY: only this end writes its own half, and a socket sends one message at a time.
    let (moved, by_tcp) = unsafe { (&mut (*flow).moved[end], &mut (*flow).by_tcp[end]) };
    if *by_tcp != 0 {
        return None;
    }
    let size = u64::from(ctx.size());
    if *moved + size > Flow::CREDIT || !redirect(ctx, &mut peer) {
        *by_tcp = 1;
        count(Counter::FallenBack);
        return None;
    }
    *moved += size;
    Some(())
}

#[inline(always)]
fn redirect(ctx: &SkMsgContext, peer: &mut Tuple) -> bool {
    SOCKETS.redirect_msg(ctx, peer, u64::from(BPF_F_INGRESS)) == i64::from(sk_action::SK_PASS)
}

/// The connection as the sender sees it.
#[inline(always)]
fn tuple(ctx: &SkMsgContext) -> Tuple {
    let message = ctx.msg;
    // SAFETY: the kernel gives the hook a valid context.
    unsafe {
        let namespace = bpf_get_netns_cookie(ctx.as_ptr());
        let (here, there) = (local_port((*message).local_port), remote_port((*message).remote_port));
        let (local, remote) = if (*message).family == AF_INET {
            let (local, remote) = ((*message).local_ip4, (*message).remote_ip4);
            (Endpoint::from_wire_v4(local, here), Endpoint::from_wire_v4(remote, there))
        } else {
            let (local, remote) =
                (words(&raw const (*message).local_ip6), words(&raw const (*message).remote_ip6));
            (Endpoint::from_wire(local, here), Endpoint::from_wire(remote, there))
        };
        Tuple { namespace, local, remote }
    }
}
