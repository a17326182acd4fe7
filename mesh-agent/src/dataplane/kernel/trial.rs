//! Whether messages that go past TCP arrive here as they would by TCP. Kernels differ in that.

use super::error::KernelError;
use super::maps::Maps;
use super::socket::namespace_cookie;
use aya::maps::{MapData, SockHash};
use mesh_common::{Counter, Flow, Tuple};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// Why they do not.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    #[error(
        "a message was lost, or a read failed that should have waited: {found} in round {round} of {rounds}"
    )]
    Read { found: ErrorKind, round: usize, rounds: usize },
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
/// Kernels were seen where three in a thousand of these go wrong.
const PARTINGS: usize = 1_000;
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
    tuple: Tuple,
}

impl Trial<'_> {
    pub fn run(&mut self) -> Result<(), Doubt> {
        let before = self.maps.counter(Counter::Moved)?;
        let outcome = self.turns().and_then(|()| self.partings()).and_then(|()| self.stalled());
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
        let mut ends = Ends { near, far, tuple };
        let refused = |error| KernelError::map("sockets", "writing", error);
        self.maps.flow.set(&tuple, &Flow::default())?;
        self.sockets.insert(tuple, ends.near.as_raw_fd(), 0).map_err(refused)?;
        self.sockets.insert(tuple.other_end(), ends.far.as_raw_fd(), 0).map_err(refused)?;
        let outcome = with(&mut ends);
        self.maps.flow.remove(&ends.tuple)?;
        outcome
    }

    fn turns(&mut self) -> Result<(), Doubt> {
        self.with(|ends| {
            for round in 0..TURNS {
                let message = vec![byte(round); 1 + round * 97 % 8_192];
                ends.near.write_all(&message)?;
                expect(&mut ends.far, &message, round, TURNS)?;
                ends.far.write_all(&message)?;
                expect(&mut ends.near, &message, round, TURNS)?;
            }
            Ok(())
        })
    }

    /// Who has said all he has to say waits for the answer.
    fn partings(&mut self) -> Result<(), Doubt> {
        for round in 0..PARTINGS {
            self.with(|ends| {
                let Ends { near, far, .. } = ends;
                std::thread::scope(|scope| {
                    let answer = scope.spawn(move || -> io::Result<()> {
                        let mut question = Vec::new();
                        far.read_to_end(&mut question)?;
                        far.write_all(&question)?;
                        far.shutdown(Shutdown::Write)
                    });
                    near.write_all(b"parting")?;
                    near.shutdown(Shutdown::Write)?;
                    expect(near, b"parting", round, PARTINGS)?;
                    let answered = answer.join().expect("answering does not panic");
                    answered.map_err(|error| Doubt::Read { found: error.kind(), round, rounds: PARTINGS })
                })
            })?;
        }
        Ok(())
    }

    /// What a reader who does not read is fed, and whether it is all there in the end.
    fn stalled(&mut self) -> Result<(), Doubt> {
        self.with(|ends| {
            ends.near.set_nonblocking(true)?;
            let mut taken = 0_u64;
            let bound = Flow::CREDIT + BY_TCP;
            while taken <= bound {
                let message = vec![byte(usize::try_from(taken >> 16).unwrap_or_default()); 65_536];
                match ends.near.write(&message) {
                    Ok(size) => taken += size as u64,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
                if !taken.is_multiple_of(65_536) {
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
    read.map_err(|error| Doubt::Read { found: error.kind(), round: 0, rounds: 1 })?;
    let ordered = all.chunks(65_536).enumerate().all(|(at, chunk)| chunk.iter().all(|b| *b == byte(at)));
    if all.len() as u64 == sent && ordered { Ok(()) } else { Err(Doubt::Disorder) }
}

fn expect(stream: &mut TcpStream, message: &[u8], round: usize, rounds: usize) -> Result<(), Doubt> {
    let mut found = vec![0; message.len()];
    let read = stream.read_exact(&mut found);
    read.map_err(|error| Doubt::Read { found: error.kind(), round, rounds })?;
    if found == message { Ok(()) } else { Err(Doubt::Disorder) }
}

fn byte(number: usize) -> u8 {
    u8::try_from(number % 251).expect("it is below 251")
}
