//! The kernel programs: they steer the connects of the mesh's workloads, one hook a file.
//!
//! They know numbers and addresses, which the agent writes into their maps; names, certificates and
//! intentions as people write them stay with the agent. Each is bounded, and decides from at most a
//! few look-ups.
#![no_std]
#![no_main]

mod address;
mod caller;
mod connect;
mod context;
mod create;
mod doors;
mod getpeername;
mod getsockopt;
mod kept;
mod ladder;
mod maps;
mod names;
mod reader;
mod record;
mod skmsg;
mod sockops;
mod stats;
mod storage;
mod strict;

/// Nothing here can panic; the compiler asks for this all the same.
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The kernel lends some of its helpers to programs under the GPL only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
