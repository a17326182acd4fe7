//! A message between two sockets of this host: handed over past TCP, within a credit.
//!
//! This way has no flow control, and the kernel gives a reader what came past TCP before what came by
//! TCP. So a direction that was ever left to TCP stays there, and a direction may hand over only so much that nobody
//! is known to have read: a reader who never reads cannot make the kernel hold more. Where threads write to one socket
//! at once, a message of each may be on its way to the reader's queue while that is looked at: so much more.

use crate::maps::{FLOW, SOCKETS};
use crate::reader;
use crate::stats::count;
use crate::storage;
use aya_ebpf::bindings::{BPF_F_INGRESS, sk_action};
use aya_ebpf::macros::sk_msg;
use aya_ebpf::programs::SkMsgContext;
use mesh_common::{Counter, Flow, Tuple};

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
    // SAFETY: the kernel gives the hook a valid context; the union's other readings are placeholders.
    let socket = unsafe { (*ctx.msg).__bindgen_anon_3.sk };
    if socket.is_null() {
        return None;
    }
    let flow = storage::find(&FLOW, socket.cast())?;
    // SAFETY: the value lives while the program runs, and a socket sends one message at a time.
    let flow = unsafe { &mut *flow };
    if flow.by_tcp != 0 {
        return None;
    }
    let size = u64::from(ctx.size());
    if !has_room(flow, size) || !redirect(ctx, &mut flow.peer) {
        flow.by_tcp = 1;
        count(Counter::FallenBack);
        return None;
    }
    if flow.reader == 0 {
        flow.reader = reader::asked_for(ctx).unwrap_or_default();
    }
    flow.moved += size;
    Some(())
}

/// The reader's queue is looked at only when half the credit is used up.
#[inline(always)]
fn has_room(flow: &mut Flow, size: u64) -> bool {
    if flow.asks(size) && reader::has_read_all(flow.reader) {
        flow.heard = flow.moved;
    }
    flow.has_room(size)
}

#[inline(always)]
fn redirect(ctx: &SkMsgContext, peer: &mut Tuple) -> bool {
    SOCKETS.redirect_msg(ctx, peer, u64::from(BPF_F_INGRESS)) == i64::from(sk_action::SK_PASS)
}
