//! Another process's socket, by its inode.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Resets a TCP connection from the end that has this socket. That nobody holds it any more is what was wanted.
///
/// # Errors
/// The kernel does not let us reach into the process: it is older than 5.6, or `CAP_SYS_PTRACE` is missing.
pub fn disconnect(inode: u32) -> io::Result<()> {
    let Some((process, descriptor)) = holder(inode) else { return Ok(()) };
    let socket = duplicate(process, descriptor)?;
    match dissolve(socket.as_fd()) {
        // Some kernels do not disconnect a socket that somebody waits on; this wakes them.
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
            // SAFETY: the descriptor is open.
            unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_RDWR) };
            dissolve(socket.as_fd())
        }
        outcome => outcome,
    }
}

/// Connecting to no family dissolves the association, with a reset to the peer.
fn dissolve(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: all bytes zero is a valid address, of no family.
    let nowhere: libc::sockaddr = unsafe { std::mem::zeroed() };
    let length = libc::socklen_t::try_from(size_of_val(&nowhere)).expect("addresses are small");
    // SAFETY: the address is as long as said, and outlives the call.
    let done = unsafe { libc::connect(socket.as_raw_fd(), &nowhere, length) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A process that has the socket open, and as which descriptor.
fn holder(inode: u32) -> Option<(i32, RawFd)> {
    let wanted = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find_map(|process: i32| {
        let mut descriptors = fs::read_dir(format!("/proc/{process}/fd")).ok()?.flatten();
        let held =
            descriptors.find(|entry| fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str() == &*wanted));
        Some((process, held?.file_name().to_str()?.parse().ok()?))
    })
}

fn duplicate(process: i32, descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the call takes numbers only.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) })?;
    // SAFETY: as above; the descriptor of the process is open.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), descriptor, 0) })
}

fn owned(made: libc::c_long) -> io::Result<OwnedFd> {
    if made < 0 {
        return Err(io::Error::last_os_error());
    }
    let descriptor = RawFd::try_from(made).expect("the kernel gives descriptors");
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Read};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn both_ends_see_that_a_connection_was_reset_through_its_descriptor() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let link = fs::metadata(format!("/proc/self/fd/{}", near.as_raw_fd())).unwrap();
        disconnect(u32::try_from(link.ino()).unwrap()).unwrap();
        let found = far.read(&mut [0; 1]).unwrap_err().kind();
        assert_eq!(found, ErrorKind::ConnectionReset);
        assert!(near.read(&mut [0; 1]).map_or(true, |read| read == 0));
    }

    #[test]
    fn a_socket_that_nobody_has_is_disconnected_already() {
        disconnect(u32::MAX).unwrap();
    }
}
