//! The system calls of kernel TLS (Linux, `Documentation/networking/tls.rst`).

use ktls::CryptoInfo;
use nix::sys::socket::{setsockopt, sockopt::TcpUlp};
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd};

/// Tells the kernel that records carry no padding, so that it may decrypt to where they are read. Not in libc yet.
const TLS_RX_EXPECT_NO_PAD: libc::c_int = 4;
/// Where `tcpi_bytes_acked` stands in the kernel's `struct tcp_info`; libc's lacks it.
const BYTES_ACKED: usize = 120;
/// The longest description of a key.
const LONGEST_INFO: usize = 64;

/// One way through a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Send = libc::TLS_TX as isize,
    Receive = libc::TLS_RX as isize,
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Of its content: 23 is data. 0 where the kernel does not say.
    pub kind: u8,
    pub len: usize,
}

/// Puts the kernel's TLS on top of the socket. A way without keys still carries bytes as they are.
///
/// # Errors
/// `ENOENT` where the kernel has no TLS, `ENOTCONN` where the connection is not established or has half ended.
pub fn attach(socket: impl AsFd) -> io::Result<()> {
    match setsockopt(&socket, TcpUlp::default(), b"tls") {
        Err(nix::errno::Errno::EEXIST) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// From here on the kernel seals or opens the records of one way. A second time it changes the key.
///
/// # Errors
/// The kernel does not know the suite; `EBUSY` where it cannot change keys.
pub fn key(socket: impl AsFd, way: Way, info: &CryptoInfo) -> io::Result<()> {
    let (value, size) = (info.as_ptr(), info.size() as libc::socklen_t);
    // SAFETY: `value` points to one of the kernel's structures, of `size` bytes, that lives as long as `info`.
    let done = unsafe {
        libc::setsockopt(socket.as_fd().as_raw_fd(), libc::SOL_TLS, way as libc::c_int, value, size)
    };
    succeeded(done as isize).map(drop)
}

/// Lets the kernel decrypt right into what is read into (Linux 6.0). A peer that pads is read all the same.
pub fn expect_no_padding(socket: impl AsFd) {
    let yes: libc::c_int = 1;
    // SAFETY: the value is an int that outlives the call, and its size is given. Older kernels refuse, and copy.
    unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_TLS,
            TLS_RX_EXPECT_NO_PAD,
            (&raw const yes).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        );
    }
}

/// Room for one control message of one byte, aligned as its header.
type Control = [u64; 4];

/// Sends a record that is not data.
///
/// # Errors
/// `WouldBlock` where the queue is full; nothing was sent then.
pub fn send_record(socket: impl AsFd, kind: u8, content: &[u8]) -> io::Result<()> {
    let mut slice = libc::iovec { iov_base: content.as_ptr().cast_mut().cast(), iov_len: content.len() };
    let mut control: Control = [0; 4];
    let mut message = message(&mut slice, &mut control);
    // SAFETY: `message` points to `control`, which has room for the one header and byte that are written; all that
    // it points to outlives the call, and the kernel only reads what `slice` names.
    let sent = unsafe {
        message.msg_controllen = libc::CMSG_SPACE(1) as usize;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_TLS;
        (*header).cmsg_type = libc::TLS_SET_RECORD_TYPE;
        (*header).cmsg_len = libc::CMSG_LEN(1) as usize;
        *libc::CMSG_DATA(header) = kind;
        libc::sendmsg(socket.as_fd().as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL)
    };
    match succeeded(sent)? {
        sent if sent == content.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}

/// Reads the content of records of one kind: of as many as are there and fit, where they are data.
///
/// # Errors
/// Those of the socket; `EBADMSG` for a record that is not authentic, `EKEYEXPIRED` behind a change of keys.
pub fn receive_record(socket: impl AsFd, into: &mut [u8]) -> io::Result<Record> {
    let mut slice = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let mut control: Control = [0; 4];
    let mut message = message(&mut slice, &mut control);
    // SAFETY: the kernel writes at most as much as `slice` and `control` have room for, and says how much it was;
    // the header is looked at only where it wrote one.
    let (received, kind) = unsafe {
        let received = libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut message, 0);
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        let told = received > 0 && !header.is_null() && (*header).cmsg_level == libc::SOL_TLS;
        (received, if told { *libc::CMSG_DATA(header) } else { 0 })
    };
    succeeded(received).map(|len| Record { kind, len })
}

fn message(slice: &mut libc::iovec, control: &mut Control) -> libc::msghdr {
    // SAFETY: all bytes zero is a `msghdr` that names nothing.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = slice;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of::<Control>();
    message
}

/// How many bytes have been queued for sending since the connection was made; `None` where they are being
/// acknowledged just now.
///
/// # Errors
/// Those of the socket.
pub fn queued(socket: impl AsFd) -> io::Result<Option<u64>> {
    let before = acknowledged(&socket)?;
    let waiting = waiting(&socket)?;
    Ok((acknowledged(&socket)? == before).then_some(before + waiting))
}

/// Bytes in the queue, those that are sent and not acknowledged among them.
fn waiting(socket: impl AsFd) -> io::Result<u64> {
    let mut count: libc::c_int = 0;
    // SAFETY: TIOCOUTQ (SIOCOUTQ) writes one int.
    let done = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    succeeded(done as isize).map(|_| count.unsigned_abs().into())
}

fn acknowledged(socket: impl AsFd) -> io::Result<u64> {
    let mut info = [0; BYTES_ACKED + 8];
    let filled = option(socket, libc::SOL_TCP, libc::TCP_INFO, &mut info)?;
    if filled < info.len() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    Ok(last_number(&info, u64::from_ne_bytes))
}

/// The number of the next record that the kernel seals, with a key that is described in `size` bytes.
///
/// # Errors
/// The kernel has no key for sending.
pub fn next_number(socket: impl AsFd, size: usize) -> io::Result<u64> {
    let mut info = [0; LONGEST_INFO];
    let info = info.get_mut(..size).ok_or(io::ErrorKind::InvalidInput)?;
    option(socket, libc::SOL_TLS, libc::TLS_TX, info)?;
    Ok(last_number(info, u64::from_be_bytes))
}

fn last_number(bytes: &[u8], read: impl FnOnce([u8; 8]) -> u64) -> u64 {
    bytes.last_chunk::<8>().map_or(0, |number| read(*number))
}

/// Reads a socket's option; gives how much of `value` was filled.
fn option(socket: impl AsFd, level: libc::c_int, name: libc::c_int, value: &mut [u8]) -> io::Result<usize> {
    let mut len = value.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes, which is how many `value` has, and says how many.
    let done = unsafe {
        libc::getsockopt(socket.as_fd().as_raw_fd(), level, name, value.as_mut_ptr().cast(), &raw mut len)
    };
    succeeded(done as isize).map(|_| len as usize)
}

fn succeeded(returned: isize) -> io::Result<usize> {
    usize::try_from(returned).map_err(|_| io::Error::last_os_error())
}
