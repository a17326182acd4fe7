//! Values that lie on a socket and die with it, for the hooks that the library's own type does not cover.

use aya_ebpf::bindings::BPF_SK_STORAGE_GET_F_CREATE;
use aya_ebpf::btf_maps::SkStorage;
use aya_ebpf::cty::c_void;
use aya_ebpf::helpers::generated::{bpf_sk_storage_delete, bpf_sk_storage_get};

fn raw<T>(map: &SkStorage<T>) -> *mut c_void {
    (&raw const *map).cast_mut().cast()
}

/// What lies on the socket. `socket` is a socket of the hook's context, or the context where that is one.
#[inline(always)]
pub fn get<T: Copy>(map: &SkStorage<T>, socket: *mut c_void) -> Option<T> {
    // SAFETY: the verifier holds that `socket` is a socket; a value given out lives while the program runs.
    let value: *mut T = unsafe { bpf_sk_storage_get(raw(map), socket, core::ptr::null_mut(), 0) }.cast();
    // SAFETY: as above; the kernel gives null for "none".
    unsafe { value.as_ref() }.copied()
}

/// Lays a value on the socket, in place of the one that lay there. False when memory is short.
#[inline(always)]
pub fn put<T: Copy>(map: &SkStorage<T>, socket: *mut c_void, mut value: T) -> bool {
    let create = u64::from(BPF_SK_STORAGE_GET_F_CREATE);
    let initial = (&raw mut value).cast();
    // SAFETY: as in `get`; the kernel copies `value` where it makes a new one.
    let place: *mut T = unsafe { bpf_sk_storage_get(raw(map), socket, initial, create) }.cast();
    if place.is_null() {
        return false;
    }
    // SAFETY: not null, and as large as a `T`, which is what the map was made for.
    unsafe { *place = value };
    true
}

#[inline(always)]
pub fn remove<T>(map: &SkStorage<T>, socket: *mut c_void) {
    // SAFETY: as in `get`. "There was none" is no error here.
    unsafe { bpf_sk_storage_delete(raw(map), socket) };
}
