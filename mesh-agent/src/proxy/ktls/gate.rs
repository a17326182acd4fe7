use std::time::Duration;

/// What a connection has carried so far, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    pub bytes: u64,
    /// Reads that brought them.
    pub pieces: u64,
}

impl Carried {
    pub fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.pieces += 1;
    }
}

/// When a connection is worth handing to the kernel: setting it up costs some system calls, and small messages gain
/// nothing by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// From so many bytes on.
    pub bytes: u64,
    /// At this age, from a sixteenth of them on.
    pub age: Duration,
    /// A piece has this many bytes on average.
    pub piece: u64,
}

impl Gate {
    /// Every connection is worth it.
    pub const OPEN: Self = Self { bytes: 0, age: Duration::ZERO, piece: 0 };

    /// What `auto` means. Counted in instructions the kernel costs some more than the agent, with as many system calls;
    /// what it saves are copies, so that only those are handed over who carry much.
    pub const BULK: Self = Self { bytes: 64 << 20, age: Duration::from_secs(60), piece: 8 << 10 };

    /// `age` is asked for only where it may decide.
    pub fn is_open(&self, carried: Carried, age: impl FnOnce() -> Duration) -> bool {
        carried.bytes >= self.bytes / 16
            && carried.bytes >= self.piece * carried.pieces
            && (carried.bytes >= self.bytes || age() >= self.age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_carries_much_in_large_pieces_goes_through() {
        let gate = Gate { bytes: 1600, age: Duration::from_secs(10), piece: 50 };
        let cases = [
            (1600, 1, 0, true),
            (1599, 1, 0, false),
            (1599, 1, 9, false),
            (100, 1, 10, true),
            (99, 1, 99, false),
            (2000, 40, 0, true),
            (2000, 41, 0, false),
            (2000, 41, 99, false),
        ];
        for (bytes, pieces, seconds, open) in cases {
            let age = || Duration::from_secs(seconds);
            assert_eq!(
                gate.is_open(Carried { bytes, pieces }, age),
                open,
                "{bytes} in {pieces} at {seconds} s"
            );
        }
        assert!(Gate::OPEN.is_open(Carried::default(), || Duration::ZERO));
    }
}
