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
const V4_HEADER: usize = 20;
const V6_HEADER: usize = 40;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// A packet that is no first SYN belongs to a connection that was let in, or to none.
#[cgroup_skb]
pub fn mesh_strict(ctx: SkBuffContext) -> i32 {
    match first_syn(&ctx) {
        Some(tuple) if is_strict(&ctx, tuple.local.wire_port()) && !is_admitted(tuple) => {
            count(Counter::StrictRefused);
            DROP
        }
        _ => ALLOW,
    }
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

/// The connection that a packet asks for, as the receiver sees it.
#[inline(always)]
fn first_syn(ctx: &SkBuffContext) -> Option<Tuple> {
    let version = ctx.load::<u8>(0).ok()? >> 4;
    if version == 4 { syn_v4(ctx) } else { syn_v6(ctx) }
}

#[inline(always)]
fn syn_v4(ctx: &SkBuffContext) -> Option<Tuple> {
    let header = usize::from(ctx.load::<u8>(0).ok()? & 0x0f) * 4;
    if ctx.load::<u8>(9).ok()? != IPPROTO_TCP || header < V4_HEADER {
        return None;
    }
    let (source, target) = ports_of_syn(ctx, header)?;
    let remote = Endpoint::from_wire_v4(ctx.load::<u32>(12).ok()?, source);
    Some(Tuple { namespace: 0, local: Endpoint::from_wire_v4(ctx.load::<u32>(16).ok()?, target), remote })
}

/// Extension headers before a SYN are no use to anyone here; such a packet names no admitted connection.
#[inline(always)]
fn syn_v6(ctx: &SkBuffContext) -> Option<Tuple> {
    if ctx.load::<u8>(6).ok()? != IPPROTO_TCP {
        return None;
    }
    let (source, target) = ports_of_syn(ctx, V6_HEADER)?;
    let remote = Endpoint::from_wire(ctx.load::<[u32; 4]>(8).ok()?, source);
    Some(Tuple { namespace: 0, local: Endpoint::from_wire(ctx.load::<[u32; 4]>(24).ok()?, target), remote })
}

#[inline(always)]
fn ports_of_syn(ctx: &SkBuffContext, at: usize) -> Option<(u16, u16)> {
    if ctx.load::<u8>(at + 13).ok()? & (SYN | ACK) != SYN {
        return None;
    }
    Some((ctx.load::<u16>(at).ok()?, ctx.load::<u16>(at + 2).ok()?))
}
