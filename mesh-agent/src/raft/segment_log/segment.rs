use crate::raft::files::{Directory, DirectoryFile, FileError};

/// A segment's number; segments are numbered without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SegmentNumber(pub(super) u64);

const SUFFIX: &str = ".log";
/// Format 1 of a segment.
const KIND: [u8; 8] = *b"MESHLOG1";
/// The kind and the number stand before the records.
pub(super) const HEAD: usize = 16;

impl SegmentNumber {
    /// Sixteen hex digits, so that the order of names is the order of numbers.
    pub(super) fn file_name(self) -> String {
        format!("{:016x}{SUFFIX}", self.0)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let digits = name.strip_suffix(SUFFIX).filter(|digits| digits.len() == 16)?;
        u64::from_str_radix(digits, 16).ok().map(Self)
    }

    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    fn head(self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(&KIND);
        head[8..].copy_from_slice(&self.0.to_le_bytes());
        head
    }

    /// Whether this is how the segment's file begins.
    pub(super) fn heads(self, file: &[u8]) -> bool {
        file.starts_with(&self.head())
    }
}

/// Writes a segment full of zeros, without its name. Later writes then change no metadata of the file,
/// which makes syncing them a third faster.
pub(super) fn prepare(
    directory: &Directory,
    number: SegmentNumber,
    size: u64,
) -> Result<DirectoryFile, FileError> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let mut file = directory.begin(&number.file_name())?;
    let mut at = 0;
    while at < size {
        let length = ZEROS.len().min((size - at) as usize);
        file.write_at(&ZEROS[..length], at)?;
        at += length as u64;
    }
    file.write_at(&number.head(), 0)?;
    file.sync()?;
    Ok(file)
}
