//! The addresses of a connect, read from its context and written back.

use crate::context::words;
use aya_ebpf::bindings::bpf_sock_addr;
use aya_ebpf::cty::c_void;
use aya_ebpf::programs::SockAddrContext;
use mesh_common::Endpoint;

/// The two shapes that a connect has.
pub trait Family {
    /// Whether an address can be written into a connect of this family.
    fn fits(endpoint: Endpoint) -> bool;
    fn read(ctx: &SockAddrContext) -> Endpoint;
    fn write(ctx: &SockAddrContext, endpoint: Endpoint);
}

pub struct V4;
pub struct V6;

// The volatile accesses below keep the compiler from merging neighbours into one wider access, which
// the verifier refuses on a context.

impl Family for V4 {
    #[inline(always)]
    fn fits(endpoint: Endpoint) -> bool {
        endpoint.is_v4()
    }

    #[inline(always)]
    fn read(ctx: &SockAddrContext) -> Endpoint {
        let address = ctx.sock_addr;
        // SAFETY: the kernel gives the hook a valid context; so in all functions of this file.
        unsafe { Endpoint::from_wire_v4((&raw const (*address).user_ip4).read_volatile(), port(address)) }
    }

    #[inline(always)]
    fn write(ctx: &SockAddrContext, endpoint: Endpoint) {
        let address = ctx.sock_addr;
        // SAFETY: as in `read`; connect hooks may write these fields.
        unsafe {
            (&raw mut (*address).user_ip4).write_volatile(endpoint.address()[3]);
            set_port(address, endpoint);
        }
    }
}

impl Family for V6 {
    /// A v4-mapped address fits too: the kernel then connects by IPv4.
    #[inline(always)]
    fn fits(_: Endpoint) -> bool {
        true
    }

    #[inline(always)]
    fn read(ctx: &SockAddrContext) -> Endpoint {
        let address = ctx.sock_addr;
        // SAFETY: as in `V4::read`.
        unsafe { Endpoint::from_wire(words(&raw const (*address).user_ip6), port(address)) }
    }

    #[inline(always)]
    fn write(ctx: &SockAddrContext, endpoint: Endpoint) {
        let address = ctx.sock_addr;
        let words = endpoint.address();
        // SAFETY: as in `V4::write`.
        unsafe {
            (&raw mut (*address).user_ip6[0]).write_volatile(words[0]);
            (&raw mut (*address).user_ip6[1]).write_volatile(words[1]);
            (&raw mut (*address).user_ip6[2]).write_volatile(words[2]);
            (&raw mut (*address).user_ip6[3]).write_volatile(words[3]);
            set_port(address, endpoint);
        }
    }
}

/// The socket that connects.
#[inline(always)]
pub fn socket(ctx: &SockAddrContext) -> *mut c_void {
    // SAFETY: the union's other readings are of no use to a socket address hook.
    unsafe { (*ctx.sock_addr).__bindgen_anon_1.sk.cast() }
}

/// # Safety
/// `address` is the context of a running hook.
#[inline(always)]
unsafe fn port(address: *mut bpf_sock_addr) -> u16 {
    unsafe { (&raw const (*address).user_port).read_volatile() as u16 }
}

/// # Safety
/// `address` is the context of a running hook that may write its port.
#[inline(always)]
unsafe fn set_port(address: *mut bpf_sock_addr, endpoint: Endpoint) {
    unsafe { (&raw mut (*address).user_port).write_volatile(u32::from(endpoint.wire_port())) };
}
