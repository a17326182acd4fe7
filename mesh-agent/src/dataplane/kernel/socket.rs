//! What a socket, a cgroup and the clock say by the numbers that the programs use.

use mesh_common::Origin;
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The kernel's id of a cgroup, by its folder.
///
/// # Errors
/// There is no such folder.
pub fn cgroup_id(folder: &Path) -> io::Result<u64> {
    std::fs::metadata(folder).map(|folder| folder.ino())
}

/// The cookie of the network namespace that this thread is in.
///
/// # Errors
/// No socket can be made, or the kernel is older than 5.14.
pub fn namespace_cookie() -> io::Result<u64> {
    let socket = UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0))?;
    option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_NETNS_COOKIE)
}

/// Who connected to leg F and to where; `None` for a connection that the programs did not send there, which
/// must be refused.
///
/// # Errors
/// It is no socket.
pub fn origin_of(accepted: BorrowedFd<'_>) -> io::Result<Option<Origin>> {
    match option(accepted, libc::SOL_IP, Origin::OPTION) {
        Ok(origin) => Ok(Some(origin)),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nanoseconds of `CLOCK_MONOTONIC`, which the programs compare a heartbeat with.
#[must_use]
pub fn monotonic_now() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes a `timespec`, which outlives it; this clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// An option whose value is plain data of the kernel's.
fn option<T: aya::Pod + Default>(socket: BorrowedFd<'_>, level: i32, name: i32) -> io::Result<T> {
    let mut value = T::default();
    let mut length = libc::socklen_t::try_from(size_of::<T>()).expect("options are small");
    // SAFETY: the value is as long as said, outlives the call, and is valid for every bit pattern.
    let found =
        unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, (&raw mut value).cast(), &mut length) };
    if found != 0 {
        return Err(io::Error::last_os_error());
    }
    if length as usize != size_of::<T>() {
        return Err(io::Error::from_raw_os_error(libc::ENOPROTOOPT));
    }
    Ok(value)
}
