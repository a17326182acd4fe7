//! Every TCP socket remembers the cgroup that made it.

use crate::kept;
use aya_ebpf::EbpfContext;
use aya_ebpf::bindings::bpf_sock;
use aya_ebpf::helpers::bpf_get_current_cgroup_id;
use aya_ebpf::macros::cgroup_sock;
use aya_ebpf::programs::SockContext;

const SOCK_STREAM: u32 = 1;
const ALLOW: i32 = 1;

#[cgroup_sock(sock_create)]
pub fn mesh_create(ctx: SockContext) -> i32 {
    let socket: *mut bpf_sock = ctx.sock;
    // SAFETY: the context of this hook is the new socket.
    if unsafe { (*socket).type_ } == SOCK_STREAM {
        // SAFETY: the helper takes nothing.
        kept::made_by(ctx.as_ptr(), unsafe { bpf_get_current_cgroup_id() });
    }
    ALLOW
}
