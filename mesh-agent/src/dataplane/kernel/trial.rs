//! Whether messages that go past TCP arrive here as they would by TCP. Kernels differ in that.

use super::error::KernelError;
use super::maps::Maps;
use super::socket::namespace_cookie;
use aya::maps::{MapData, SockHash};
use mesh_common::{Counter, Flow, Tuple};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// Why they do not.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// All arrived in the end. The kernel's wait for what comes past TCP ends with whatever wakes the reader, and
    /// gives `EAGAIN` where TCP would wait on: who half-closed is woken by the acknowledgement, anybody by a signal.
    #[error(
        "a read that waited was ended after {after:?} with nothing to read, before its answer came: this kernel \
         does that to programs that wait in a read when they half-close, catch a signal or are stopped. Services \
         whose programs and clients never do, because their sockets are non-blocking, may say so by \
         \"mesh-accelerate\": \"nonblocking\""
    )]
    Woken { after: Duration },
    #[error("a message was lost: none came within {PATIENCE:?}")]
    Lost,
    #[error("a read failed that should have waited: {found}")]
    Read { found: ErrorKind },
    #[error("bytes arrived in another order than they were sent in")]
    Disorder,
    #[error("the kernel moved no message")]
    Unmoved,
    #[error("the kernel took {taken} bytes for a reader who read none")]
    Unbounded { taken: u64 },
    #[error("the trial could not be made: {0}")]
    Trial(#[from] io::Error),
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

/// As long as something that is there takes to arrive, and much longer.
const PATIENCE: Duration = Duration::from_millis(500);
const TURNS: usize = 200;
/// TCP puts off an acknowledgement for 40 ms at the most.
const ACKNOWLEDGED: Duration = Duration::from_millis(100);
/// After so long a reader waits in his read.
const BEGUN: Duration = Duration::from_millis(50);
const PARTING: &[u8] = b"parting";
/// As long as a message may be for which the reader's queue is looked at.
const PIECE: usize = Flow::SMALL as usize;
/// What TCP's own buffers hold on both sides at the most, beside the credit.
const BY_TCP: u64 = 32 << 20;

/// Tries it between sockets of this process.
pub(super) struct Trial<'a> {
    pub sockets: SockHash<&'a mut MapData, Tuple>,
    pub maps: &'a mut Maps,
    pub listener: TcpListener,
}

/// The connecting and the accepted end.
struct Ends {
    near: TcpStream,
    far: TcpStream,
}

impl Trial<'_> {
    /// What may be only [`Doubt::Woken`] comes last: everything else is right then.
    pub fn run(&mut self) -> Result<(), Doubt> {
        let before = self.maps.counter(Counter::Moved)?;
        let outcome = self.turns().and_then(|()| self.stalled()).and_then(|()| self.parting());
        let moved = self.maps.counter(Counter::Moved)? - before;
        outcome?;
        if moved == 0 { Err(Doubt::Unmoved) } else { Ok(()) }
    }

    /// One connection within reach of the programs; its traces go when it was used.
    fn with<T>(&mut self, with: impl FnOnce(&mut Ends) -> Result<T, Doubt>) -> Result<T, Doubt> {
        let near = TcpStream::connect(self.listener.local_addr()?)?;
        let (far, _) = self.listener.accept()?;
        for end in [&near, &far] {
            end.set_read_timeout(Some(PATIENCE))?;
            end.set_nodelay(true)?;
        }
        let (local, remote) = (near.local_addr()?.into(), near.peer_addr()?.into());
        let tuple = Tuple { namespace: namespace_cookie()?, local, remote };
        let mut ends = Ends { near, far };
        self.share(&ends.near, tuple)?;
        self.share(&ends.far, tuple.other_end())?;
        with(&mut ends)
    }

    fn share(&mut self, end: &TcpStream, tuple: Tuple) -> Result<(), KernelError> {
        self.maps.let_flow(end, tuple.other_end())?;
        let shared = self.sockets.insert(tuple, end.as_raw_fd(), 0);
        shared.map_err(|error| KernelError::map("sockets", "writing", error))
    }

    fn turns(&mut self) -> Result<(), Doubt> {
        self.with(|ends| {
            for round in 0..TURNS {
                let message = vec![byte(round); 1 + round * 97 % 8_192];
                ends.near.write_all(&message)?;
                expect(&mut ends.far, &message)?;
                ends.far.write_all(&message)?;
                expect(&mut ends.near, &message)?;
            }
            Ok(())
        })
    }

    /// Who has said all he has to say waits for the answer, and meanwhile hears that his last word has arrived.
    fn parting(&mut self) -> Result<(), Doubt> {
        self.with(|Ends { near, far }| {
            std::thread::scope(|scope| {
                let answer = scope.spawn(|| answer_late(far));
                near.write_all(PARTING)?;
                let parting = near.try_clone()?;
                scope.spawn(move || {
                    pause(BEGUN); // Who is not yet in his read when that is acknowledged is not woken.
                    parting.shutdown(Shutdown::Write)
                });
                let found = expect(near, PARTING);
                answer.join().expect("answering does not panic")?;
                found
            })
        })
    }

    /// What a reader who does not read is fed, and whether it is all there in the end.
    fn stalled(&mut self) -> Result<(), Doubt> {
        self.with(|ends| {
            ends.near.set_nonblocking(true)?;
            let mut taken = 0_u64;
            let bound = Flow::CREDIT + BY_TCP;
            while taken <= bound {
                let piece = usize::try_from(taken).unwrap_or_default() / PIECE;
                let message = vec![byte(piece); PIECE];
                match ends.near.write(&message) {
                    Ok(size) => taken += size as u64,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
                if !taken.is_multiple_of(PIECE as u64) {
                    break; // The last one fitted in part only.
                }
            }
            if taken > bound {
                return Err(Doubt::Unbounded { taken });
            }
            ends.near.shutdown(Shutdown::Write)?;
            in_order(&mut ends.far, taken)
        })
    }
}

fn in_order(stream: &mut TcpStream, sent: u64) -> Result<(), Doubt> {
    let mut all = Vec::new();
    let read = stream.read_to_end(&mut all);
    read.map_err(|error| Doubt::Read { found: error.kind() })?;
    let ordered = all.chunks(PIECE).enumerate().all(|(at, chunk)| chunk.iter().all(|b| *b == byte(at)));
    if all.len() as u64 == sent && ordered { Ok(()) } else { Err(Doubt::Disorder) }
}

fn answer_late(far: &mut TcpStream) -> io::Result<()> {
    let mut question = Vec::new();
    far.read_to_end(&mut question)?;
    pause(ACKNOWLEDGED);
    far.write_all(&question)
}

fn pause(time: Duration) {
    let begun = Instant::now();
    while let Some(left) = time.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

/// The stream's read timeout is [`PATIENCE`]: an end of waiting before that is the kernel's mistake.
fn expect(stream: &mut TcpStream, message: &[u8]) -> Result<(), Doubt> {
    let (begun, mut woken) = (Instant::now(), None);
    let (mut found, mut length) = (vec![0; message.len()], 0);
    while length < message.len() {
        match stream.read(&mut found[length..]) {
            Ok(0) => return Err(Doubt::Lost),
            Ok(size) => length += size,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                return Err(Doubt::Read { found: error.kind() });
            }
            Err(_) if begun.elapsed() >= PATIENCE => return Err(Doubt::Lost),
            Err(_) => woken = woken.or(Some(begun.elapsed())),
        }
    }
    if found != message {
        return Err(Doubt::Disorder);
    }
    woken.map_or(Ok(()), |after| Err(Doubt::Woken { after }))
}

fn byte(number: usize) -> u8 {
    u8::try_from(number % 251).expect("it is below 251")
}
