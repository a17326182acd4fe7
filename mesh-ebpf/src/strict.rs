//! What arrives at a strict service's port: only the connections that the mesh made get in.

use crate::maps::{ADMITTED, STRICT};
use crate::stats::count;
use aya_ebpf::helpers::generated::bpf_sk_cgroup_id;
use aya_ebpf::macros::cgroup_skb;
use aya_ebpf::programs::SkBuffContext;
use mesh_common::{Counter, Endpoint, StrictPort, Tuple};

const ALLOW: i32 = 1;
const DROP: i32 = 0;
const IPPROTO_TCP: u8 = 6;
const V6_HEADER: usize = 40;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const DESTINATION: u8 = 60;
const MOST_EXTENSIONS: u32 = 6;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// What a packet asks for.
enum Asks {
    /// To be let in, as the receiver sees the connection.
    Entry(Tuple),
    /// Nothing: it belongs to a connection that was let in, to none, or to no TCP.
    Nothing,
    /// Nobody can tell.
    Riddle,
}

#[cgroup_skb]
pub fn mesh_strict(ctx: SkBuffContext) -> i32 {
    let refused = match asks(&ctx) {
        Asks::Entry(tuple) => is_strict(&ctx, tuple.local.wire_port()) && !is_admitted(tuple),
        Asks::Nothing => false,
        Asks::Riddle => true,
    };
    if !refused {
        return ALLOW;
    }
    count(Counter::StrictRefused);
    DROP
}

#[inline(always)]
fn is_strict(ctx: &SkBuffContext, port: u16) -> bool {
    // SAFETY: the kernel gives the hook a valid context, whose packet has its receiving socket.
    let socket = unsafe { (*ctx.skb.skb).__bindgen_anon_2.sk };
    if socket.is_null() {
        return false;
    }
    // SAFETY: not null, and the kernel's own; the value read is one word.
    unsafe { STRICT.get(StrictPort::new(bpf_sk_cgroup_id(socket.cast()), port)) }.is_some()
}

#[inline(always)]
fn is_admitted(tuple: Tuple) -> bool {
    ADMITTED.get_ptr(tuple.other_end()).is_some()
}

#[inline(always)]
fn asks(ctx: &SkBuffContext) -> Asks {
    let Ok(first) = ctx.load::<u8>(0) else { return Asks::Nothing };
    if first >> 4 == 4 {
        return of_v4(ctx, first).map_or(Asks::Nothing, Asks::Entry);
    }
    match tcp_header(ctx) {
        Ok(at) => of_v6(ctx, at).map_or(Asks::Nothing, Asks::Entry),
        Err(why) => why,
    }
}

#[inline(always)]
fn of_v4(ctx: &SkBuffContext, first: u8) -> Option<Tuple> {
    if ctx.load::<u8>(9).ok()? != IPPROTO_TCP {
        return None;
    }
    let (source, target) = ports_of_syn(ctx, usize::from(first & 0x0f) * 4)?;
    let remote = Endpoint::from_wire_v4(ctx.load::<u32>(12).ok()?, source);
    Some(Tuple { namespace: 0, local: Endpoint::from_wire_v4(ctx.load::<u32>(16).ok()?, target), remote })
}

#[inline(always)]
fn of_v6(ctx: &SkBuffContext, at: usize) -> Option<Tuple> {
    let (source, target) = ports_of_syn(ctx, at)?;
    let remote = Endpoint::from_wire(ctx.load::<[u32; 4]>(8).ok()?, source);
    Some(Tuple { namespace: 0, local: Endpoint::from_wire(ctx.load::<[u32; 4]>(24).ok()?, target), remote })
}

/// Behind the extension headers, which anybody may put before a SYN. A packet with more of them than anyone
/// has use for is a riddle.
#[inline(always)]
fn tcp_header(ctx: &SkBuffContext) -> Result<usize, Asks> {
    let mut kind = ctx.load::<u8>(6).map_err(|_| Asks::Nothing)?;
    let mut at = V6_HEADER;
    let mut left = MOST_EXTENSIONS;
    while left > 0 {
        if kind == IPPROTO_TCP {
            return Ok(at);
        }
        if !matches!(kind, HOP_BY_HOP | ROUTING | DESTINATION) {
            return Err(Asks::Nothing);
        }
        let [next, length] = ctx.load::<[u8; 2]>(at).map_err(|_| Asks::Riddle)?;
        kind = next;
        at += (usize::from(length) + 1) * 8;
        left -= 1;
    }
    Err(Asks::Riddle)
}

/// Source and target, where the flags are those of a first SYN.
#[inline(always)]
fn ports_of_syn(ctx: &SkBuffContext, at: usize) -> Option<(u16, u16)> {
    if ctx.load::<u8>(at + 13).ok()? & (SYN | ACK) != SYN {
        return None;
    }
    Some((ctx.load::<u16>(at).ok()?, ctx.load::<u16>(at + 2).ok()?))
}
