//! Reading a hook's context.

/// Four words, one at a time: the verifier lets nobody walk through a context by a pointer, and volatile
/// reads keep the compiler from merging them into that.
///
/// # Safety
/// `place` is a field of a running hook's context.
#[inline(always)]
pub unsafe fn words(place: *const [u32; 4]) -> [u32; 4] {
    unsafe {
        [
            (&raw const (*place)[0]).read_volatile(),
            (&raw const (*place)[1]).read_volatile(),
            (&raw const (*place)[2]).read_volatile(),
            (&raw const (*place)[3]).read_volatile(),
        ]
    }
}

/// The kernel shows a peer's port in network order, as one half of a word in network order.
#[inline(always)]
pub fn remote_port(shown: u32) -> u16 {
    (u32::from_be(shown) as u16).to_be()
}

/// A socket's own port it shows in host order.
#[inline(always)]
pub fn local_port(shown: u32) -> u16 {
    (shown as u16).to_be()
}
