//! Values that lie on a socket and die with it, for the hooks that the library's own type does not cover.

use aya_ebpf::bindings::BPF_SK_STORAGE_GET_F_CREATE;
use aya_ebpf::btf_maps::SkStorage;
use aya_ebpf::cty::c_void;
use aya_ebpf::helpers::generated::bpf_sk_storage_get;

fn raw<T>(map: &SkStorage<T>) -> *mut c_void {
    (&raw const *map).cast_mut().cast()
}

/// What lies on the socket. `socket` is a socket of the hook's context, or the context where that is one.
#[inline(always)]
pub fn find<T>(map: &SkStorage<T>, socket: *mut c_void) -> Option<*mut T> {
    // SAFETY: the verifier holds that `socket` is a socket; a value given out lives while the program runs.
    let value: *mut T = unsafe { bpf_sk_storage_get(raw(map), socket, core::ptr::null_mut(), 0) }.cast();
    (!value.is_null()).then_some(value)
}

/// The same, as it is now.
#[inline(always)]
pub fn get<T: Copy>(map: &SkStorage<T>, socket: *mut c_void) -> Option<T> {
    // SAFETY: as above.
    find(map, socket).map(|value| unsafe { *value })
}

/// What lies on the socket, else `initial`, which does then. None when memory is short.
#[inline(always)]
pub fn place<T: Copy>(map: &SkStorage<T>, socket: *mut c_void, mut initial: T) -> Option<*mut T> {
    // Since Linux 6.19 the kernel waits for nobody who holds its memory just now (kmalloc_nolock), and says that there
    // is none: the next moment there may be.
    for _ in 0..TRIES {
        let placed = try_place(map, socket, &mut initial);
        if placed.is_some() {
            return placed;
        }
    }
    None
}

const TRIES: u32 = 4;

#[inline(always)]
fn try_place<T>(map: &SkStorage<T>, socket: *mut c_void, initial: &mut T) -> Option<*mut T> {
    let create = u64::from(BPF_SK_STORAGE_GET_F_CREATE);
    let value = (&raw mut *initial).cast();
    // SAFETY: as in `find`; the kernel copies the value where it makes a new one.
    let place: *mut T = unsafe { bpf_sk_storage_get(raw(map), socket, value, create) }.cast();
    (!place.is_null()).then_some(place)
}

/// Lays a value on the socket, in place of the one that lay there. False when memory is short.
#[inline(always)]
pub fn put<T: Copy>(map: &SkStorage<T>, socket: *mut c_void, value: T) -> bool {
    let Some(place) = place(map, socket, value) else { return false };
    // SAFETY: it is as large as a `T`, which is what the map was made for.
    unsafe { *place = value };
    true
}
