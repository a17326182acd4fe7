use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// What a pipe holds, where the system allows so much; as much as a large buffer.
const SIZE: usize = 1 << 20;

/// Bytes on their way from one socket to another inside the kernel.
pub struct Pipe {
    out: OwnedFd,
    into: OwnedFd,
    held: usize,
    room: usize,
}

impl Pipe {
    pub fn new() -> io::Result<Self> {
        let (out, into) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // Where the system does not allow it, the pipe is smaller.
        fcntl(&into, FcntlArg::F_SETPIPE_SZ(SIZE as libc::c_int)).ok();
        let room = fcntl(&into, FcntlArg::F_GETPIPE_SZ)?;
        Ok(Self { out, into, held: 0, room: usize::try_from(room).unwrap_or(1) })
    }

    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Takes what the socket has; 0 at its end.
    ///
    /// # Errors
    /// `WouldBlock` where it has nothing; `EINVAL` in front of a record that is not data.
    pub fn fill(&mut self, from: impl AsFd) -> io::Result<usize> {
        let flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
        let count = splice(from, None, &self.into, None, self.room, flags)?;
        self.held += count;
        Ok(count)
    }

    /// Gives the socket what it takes. Exactly what is held is offered: the kernel would wait for more where it is
    /// offered more.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn drain(&mut self, to: impl AsFd) -> io::Result<usize> {
        let flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
        let count = splice(&self.out, None, to, None, self.held, flags)?;
        self.held -= count.min(self.held);
        Ok(count)
    }
}
