//! Ends connections that were sent straight to their server, which the agent has no end of.

use super::diag::{Connecting, Diag};
use super::held::disconnect;
use mesh_common::{Origin, Pair};
use std::io;
use std::os::fd::BorrowedFd;

/// Ends those that `forbidden` says; how many. `kept` is the storage of what the programs keep on sockets.
///
/// A connect that was let through a moment ago may not be in the kernel's list yet: who has forbidden something
/// calls twice.
pub(super) fn cut(kept: BorrowedFd<'_>, forbidden: &dyn Fn(Pair) -> bool) -> io::Result<u64> {
    let diag = Diag::open()?;
    let mut ended = 0;
    for socket in diag.connecting(kept)? {
        if is_straight(socket.origin) && forbidden(pair(socket.origin)) {
            end(&diag, &socket)?;
            ended += 1;
        }
    }
    Ok(ended)
}

/// A kernel built without `INET_DIAG_DESTROY` ends no socket by its address. There the application's own
/// descriptor serves.
fn end(diag: &Diag, socket: &Connecting) -> io::Result<()> {
    match diag.destroy(socket) {
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => disconnect(socket.inode),
        outcome => outcome,
    }
}

fn is_straight(origin: Origin) -> bool {
    origin.has(Origin::SERVER)
}

fn pair(origin: Origin) -> Pair {
    Pair { source: origin.source, destination: origin.destination }
}
