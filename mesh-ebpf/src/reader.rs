//! Whether a reader has read all that was handed over to him past TCP: the kernel is asked for its own queue.
//!
//! Where things lie in the kernel's structures differs between kernels, so the agent says it when it loads the
//! programs. Where it does not, nothing here is ever run, and the verifier sees that: a credit is for life then.
//!
//! What it relies on, as read in Linux 5.10, 6.0 and 7.0: `bpf_msg_redirect_hash` leaves the reader's `struct sock` in
//! the `sk_redir` of the `struct sk_msg`, whose address is what the hook gets as its context. A socket of a sockmap has
//! its `struct sk_psock` in `sk_user_data`, which is aligned to 8 bytes and has flags in its low bits: two of them,
//! three since 6.0. `bpf_tcp_ingress` puts a message on `ingress_msg` before the sender's call ends, and
//! `sk_msg_recvmsg` takes it off when it was read to its end, and not for `MSG_PEEK`. So when that list is empty, all
//! was read.
//!
//! A socket that is gone does no harm: such a read cannot fault, whatever it finds, and nothing is handed over to one
//! that has left the map `sockets`.

use aya_ebpf::helpers::bpf_probe_read_kernel;
use aya_ebpf::programs::SkMsgContext;
use aya_ebpf::{EbpfContext, Global};

/// Bytes from the beginning of a `struct sk_msg` to its `sk_redir`.
#[unsafe(no_mangle)]
static REDIRECTED: Global<u32> = Global::new(0);

/// From that of a `struct sock` to its `sk_user_data`.
#[unsafe(no_mangle)]
static USER_DATA: Global<u32> = Global::new(0);

/// From that of a `struct sk_psock` to its `ingress_msg`.
#[unsafe(no_mangle)]
static INGRESS: Global<u32> = Global::new(0);

const FLAGS: u64 = 7;

/// Where the socket is that the kernel was just asked to hand the message to.
#[inline(always)]
pub fn asked_for(ctx: &SkMsgContext) -> Option<u64> {
    let redirected = REDIRECTED.load();
    if redirected == 0 {
        return None;
    }
    word(ctx.as_ptr() as u64 + u64::from(redirected))
}

#[inline(always)]
pub fn has_read_all(reader: u64) -> bool {
    is_empty(reader).unwrap_or_default()
}

/// An empty list's head points to itself.
#[inline(always)]
fn is_empty(reader: u64) -> Option<bool> {
    let (user_data, ingress) = (USER_DATA.load(), INGRESS.load());
    if user_data == 0 || ingress == 0 {
        return None;
    }
    let psock = word(reader + u64::from(user_data))? & !FLAGS;
    let list = psock + u64::from(ingress);
    Some(word(list)? == list)
}

#[inline(always)]
fn word(address: u64) -> Option<u64> {
    // SAFETY: the kernel looks at whatever is there, and says so where there is nothing.
    unsafe { bpf_probe_read_kernel(address as *const u64) }.ok()
}
