//! Ends connections that were sent straight to their server, which the agent has no end of.

use super::bpf;
use super::diag::{Connecting, Diag};
use super::error::KernelError;
use super::held::disconnect;
use super::pins::Pins;
use mesh_common::{Origin, Pair};
use std::io;
use std::os::fd::AsFd;

/// Who ends connections of one network namespace: that of the thread which made this.
pub struct Cutter {
    diag: Diag,
    pins: Pins,
}

impl Cutter {
    /// Beside an attachment with the same pins.
    ///
    /// # Errors
    /// The kernel has no list of sockets.
    pub fn open(pins: &Pins) -> Result<Self, KernelError> {
        let diag =
            Diag::open().map_err(|source| KernelError::Sockets { attempt: "listing sockets", source })?;
        Ok(Self { diag, pins: pins.clone() })
    }

    /// The same, for the network namespace that this thread is in.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn here(&self) -> Result<Self, KernelError> {
        Self::open(&self.pins)
    }

    /// Ends those that `forbidden` says; how many.
    ///
    /// A connect that was let through a moment ago may not be in the kernel's list yet: who has forbidden something
    /// calls twice.
    ///
    /// # Errors
    /// The kernel refused. Some of them may have been ended.
    pub fn cut(&self, forbidden: &dyn Fn(Pair) -> bool) -> Result<u64, KernelError> {
        let kept = self.pins.maps().join("KEPT");
        let kept = bpf::open_pin(&kept).map_err(|e| KernelError::file("opening", &kept, e))?;
        let failed = |source| KernelError::Sockets { attempt: "cutting forbidden connections", source };
        let mut ended = 0;
        for socket in self.diag.connecting(kept.as_fd()).map_err(failed)? {
            if is_straight(socket.origin) && forbidden(pair(socket.origin)) {
                end(&self.diag, &socket).map_err(failed)?;
                ended += 1;
            }
        }
        Ok(ended)
    }
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
