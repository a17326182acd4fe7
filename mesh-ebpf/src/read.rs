//! A read of what came past TCP: so much the other end may hand over again.
//!
//! It looks at a function inside the kernel, which not every kernel allows. Without it, a credit is for life.

use crate::maps::{FLOW, READ};
use crate::storage;
use aya_ebpf::cty::c_void;
use aya_ebpf::macros::fexit;
use aya_ebpf::programs::FExitContext;
use mesh_common::Flow;

const MSG_PEEK: i32 = 2;

/// The function's arguments, and behind them what it returned.
const SOCKET: usize = 0;
const FLAGS: usize = 4;
const FOUND: usize = 5;

#[fexit(function = "sk_msg_recvmsg")]
pub fn mesh_read(ctx: FExitContext) -> i32 {
    let (found, flags): (i32, i32) = (ctx.arg(FOUND), ctx.arg(FLAGS));
    if found > 0 && flags & MSG_PEEK == 0 {
        take(ctx.arg(SOCKET), u64::from(found.unsigned_abs()));
    }
    0
}

/// The kernel holds the socket's lock meanwhile.
#[inline(always)]
fn take(socket: *mut c_void, found: u64) {
    let Some(flow) = storage::find(&FLOW, socket) else { return };
    // SAFETY: the value lives while the program runs, and a socket is read by one at a time.
    let flow = unsafe { &mut *flow };
    flow.read += found;
    if flow.read - flow.told >= Flow::STEP && READ.insert(flow.peer.other_end(), flow.read, 0).is_ok() {
        flow.told = flow.read;
    }
}
