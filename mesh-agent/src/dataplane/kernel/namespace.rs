use super::socket::namespace_cookie;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

/// Moves this thread into the network namespace with that inode number, where `process` is; its cookie. A thread that
/// did this is of no use for anything else.
///
/// # Errors
/// The process is gone or elsewhere by now, or `CAP_SYS_ADMIN` is missing there.
pub fn enter_network(process: u32, inode: u64) -> io::Result<u64> {
    let namespace = File::open(format!("/proc/{process}/ns/net"))?;
    if namespace.metadata()?.ino() != inode {
        return Err(io::Error::new(io::ErrorKind::NotFound, "nobody is in there any more"));
    }
    // SAFETY: the descriptor is open, and the call changes this thread alone.
    if unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) } != 0 {
        return Err(io::Error::last_os_error());
    }
    namespace_cookie()
}
