//! What lies on a socket: who made it, and where its application wanted to go.

use crate::maps::KEPT;
use crate::storage;
use aya_ebpf::cty::c_void;
use mesh_common::{Kept, Origin};

/// Where memory is too short to remember, the socket exists all the same and cannot borrow an identity:
/// a socket of unknown make is in no service.
#[inline(always)]
pub fn made_by(socket: *mut c_void, maker: u64) {
    storage::place(&KEPT, socket, Kept { maker, ..Kept::default() });
}

/// The cgroup that made it.
#[inline(always)]
pub fn maker(socket: *mut c_void) -> Option<u64> {
    storage::get(&KEPT, socket).map(|kept| kept.maker).filter(|maker| *maker != 0)
}

#[inline(always)]
pub fn asked(socket: *mut c_void) -> Option<Origin> {
    storage::get(&KEPT, socket)?.asked()
}

/// False when memory is short.
#[inline(always)]
pub fn ask(socket: *mut c_void, asked: Origin) -> bool {
    let Some(kept) = storage::place(&KEPT, socket, Kept { maker: 0, asked }) else { return false };
    // SAFETY: the value lives while the program runs; one connect of a socket runs at a time.
    unsafe { (*kept).asked = asked };
    true
}

/// What an earlier connect of the socket asked for says nothing about this one.
#[inline(always)]
pub fn forget(socket: *mut c_void) {
    if let Some(kept) = storage::find(&KEPT, socket) {
        // SAFETY: as above.
        unsafe { (*kept).asked.path = 0 };
    }
}
