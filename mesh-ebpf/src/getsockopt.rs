//! `getsockopt()` on a socket that leg F accepted: where its peer wanted to go, and who it is.

use crate::maps::TOLD;
use crate::stats::count;
use crate::storage;
use aya_ebpf::bindings::bpf_sockopt;
use aya_ebpf::macros::cgroup_sockopt;
use aya_ebpf::programs::SockoptContext;
use mesh_common::{Counter, Origin};

const GO_ON: i32 = 1;
const SOL_IP: i32 = 0;
const SOL_IPV6: i32 = 41;
/// `SO_ORIGINAL_DST` and `IP6T_SO_ORIGINAL_DST`.
const ORIGINAL_DST: i32 = 80;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;

#[cgroup_sockopt(getsockopt)]
pub fn mesh_getsockopt(ctx: SockoptContext) -> i32 {
    let option: *mut bpf_sockopt = ctx.sockopt;
    // SAFETY: the kernel gives the hook a valid context.
    let asked = unsafe { ((*option).level, (*option).optname) };
    match asked {
        (SOL_IP, ORIGINAL_DST) => with_origin(option, |origin| answer(option, sockaddr_v4(origin))),
        (SOL_IPV6, ORIGINAL_DST) => with_origin(option, |origin| answer(option, sockaddr_v6(origin))),
        (SOL_IP, Origin::OPTION) => with_origin(option, |origin| answer(option, whole(origin))),
        _ => {}
    }
    GO_ON
}

#[inline(always)]
fn with_origin(option: *mut bpf_sockopt, tell: impl FnOnce(&Origin)) {
    // SAFETY: as above; the union's other reading is a placeholder.
    let socket = unsafe { (*option).__bindgen_anon_1.sk };
    if !socket.is_null()
        && let Some(origin) = storage::get(&TOLD, socket.cast())
    {
        tell(&origin);
    }
}

/// `struct sockaddr_in`.
#[inline(always)]
fn sockaddr_v4(origin: &Origin) -> [u32; 4] {
    [family_and_port(AF_INET, origin), origin.endpoint.address()[3], 0, 0]
}

/// `struct sockaddr_in6`.
#[inline(always)]
fn sockaddr_v6(origin: &Origin) -> [u32; 7] {
    let [a, b, c, d] = origin.endpoint.address();
    [family_and_port(AF_INET6, origin), 0, a, b, c, d, 0]
}

#[inline(always)]
fn whole(origin: &Origin) -> [u32; 8] {
    let [a, b, c, d] = origin.endpoint.address();
    let port = u32::from(origin.endpoint.wire_port());
    let port = if cfg!(target_endian = "little") { port } else { port << 16 };
    [origin.source, origin.destination, a, b, c, d, port, origin.path]
}

/// Two halves of one word, as they lie in memory.
#[inline(always)]
fn family_and_port(family: u32, origin: &Origin) -> u32 {
    let port = u32::from(origin.endpoint.wire_port());
    if cfg!(target_endian = "little") { family | port << 16 } else { family << 16 | port }
}

/// Writes the words where there is room for all of them, and makes the call succeed.
#[inline(always)]
fn answer<const WORDS: usize>(option: *mut bpf_sockopt, words: [u32; WORDS]) {
    // SAFETY: the kernel bounds the buffer by these two, and the verifier holds us to it.
    unsafe {
        let buffer = (*option).__bindgen_anon_2.optval.cast::<u32>();
        let end = (*option).__bindgen_anon_3.optval_end.cast::<u32>();
        if buffer.add(WORDS) > end {
            return;
        }
        for (at, word) in words.into_iter().enumerate() {
            buffer.add(at).write(word);
        }
        (&raw mut (*option).optlen).write_volatile((WORDS * 4) as i32);
        (&raw mut (*option).retval).write_volatile(0);
    }
    count(Counter::Told);
}
