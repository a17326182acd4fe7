//! Ports that no other test uses at the same time.

use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::sync::Mutex;

/// Below the ports that the kernel hands out, so that a connection never takes one in between.
const FIRST: u16 = 15_000;
const SIZE: u16 = 50;
const BLOCKS: u16 = 340;

/// Fifty consecutive ports, ours while this lives: other blocks are other processes' or other tests'.
pub struct PortBlock {
    next: Mutex<u16>,
    end: u16,
    _lock: Flock<File>,
}

impl PortBlock {
    /// # Panics
    /// There is none left.
    pub fn claim() -> Self {
        let start = std::process::id() as u16 % BLOCKS;
        let found = (0..BLOCKS).find_map(|offset| Self::try_claim((start + offset) % BLOCKS));
        found.expect("fewer than 340 tests run at once")
    }

    fn try_claim(number: u16) -> Option<Self> {
        let directory = std::env::temp_dir().join("mesh-test-ports");
        std::fs::create_dir_all(&directory).ok()?;
        let path = directory.join(number.to_string());
        let file = File::options().write(true).create(true).truncate(false).open(path).ok()?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()?;
        let first = FIRST + number * SIZE;
        Some(Self { next: Mutex::new(first), end: first + SIZE, _lock: lock })
    }

    /// The next port of the block that nobody listens on.
    ///
    /// # Panics
    /// The block is used up.
    pub fn take(&self) -> u16 {
        self.take_range(1)
    }

    /// The first of so many consecutive ports.
    pub fn take_range(&self, count: u16) -> u16 {
        let mut next = self.next.lock().expect("nobody panics while taking a port");
        while *next + count <= self.end {
            let first = *next;
            *next += count;
            if (first..first + count).all(is_free) {
                return first;
            }
        }
        panic!("a test uses more than {SIZE} ports");
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_blocks_share_no_port() {
        let (a, b) = (PortBlock::claim(), PortBlock::claim());
        let (first, second) = (a.take(), b.take());
        assert!(first.abs_diff(second) >= SIZE - 1, "{first} {second}");
        assert!(a.take() > first);
    }
}
