//! What wakes a worker: epoll on Linux, what mio finds elsewhere. Both keep the same promises, which the tests
//! here hold them to. It does not know what its keys mean.

#[cfg(all(target_os = "linux", any(test, not(feature = "portable-poller"))))]
mod epoll;
#[cfg(any(test, not(target_os = "linux"), feature = "portable-poller"))]
mod portable;

#[cfg(test)]
mod tests;

#[cfg(all(target_os = "linux", not(feature = "portable-poller")))]
pub(super) use epoll::{Bell, Event, Poller};
#[cfg(any(not(target_os = "linux"), feature = "portable-poller"))]
pub(super) use portable::{Bell, Event, Poller};
