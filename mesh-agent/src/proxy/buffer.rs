use super::leg::Leg;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::sync::Arc;

/// Plaintext in one TLS record (RFC 8446, 5.1).
pub(super) const PLAIN: usize = 16_384;
/// Header of a record: type, version, length.
pub(super) const HEADER: usize = 5;
/// The largest record a peer may send: TLS 1.2 allows 2048 bytes of overhead, 1.3 only 256.
pub(super) const WIRE: usize = HEADER + PLAIN + 2_048;
/// Room that one of our own records takes, its overhead included.
pub(super) const SLOT: usize = PLAIN + 64;
/// Write this many pieces with one call.
const PIECES: usize = 64;

/// Bytes on their way through: pieces that are to be written, and received records not yet opened.
pub(super) struct Buffer {
    pub bytes: Box<[u8]>,
    /// What is to be written, in order; those before `next` are gone.
    ready: Vec<Range<usize>>,
    next: usize,
    /// Received records, the last of them perhaps incomplete.
    pub unopened: Range<usize>,
    /// Counts among those that are lent for as long as it is there.
    pub lease: Option<Lease>,
}

/// What is lent holds one: however it ends, with its connection too, it is then lent no more.
pub(super) type Lease = Arc<()>;

impl Buffer {
    pub fn new(size: usize) -> Box<Self> {
        let bytes = vec![0; size].into_boxed_slice();
        Box::new(Self { bytes, ready: Vec::new(), next: 0, unopened: 0..0, lease: None })
    }

    /// How much plaintext can be sealed into an empty buffer of this size.
    pub fn room_for_plain(&self) -> usize {
        self.bytes.len() / SLOT * PLAIN
    }

    pub fn clear(&mut self) {
        self.ready.clear();
        self.next = 0;
        self.unopened = 0..0;
    }

    /// Appends a piece to what is to be written; one that continues the last is joined with it.
    pub fn push(&mut self, piece: Range<usize>) {
        match self.ready.last_mut() {
            Some(last) if last.end == piece.start => last.end = piece.end,
            _ if piece.is_empty() => {}
            _ => self.ready.push(piece),
        }
    }

    pub fn has_ready(&self) -> bool {
        self.next < self.ready.len()
    }

    pub fn is_empty(&self) -> bool {
        !self.has_ready() && self.unopened.is_empty()
    }

    /// How many bytes are ready to be written.
    pub fn ready(&self) -> usize {
        self.ready[self.next..].iter().map(ExactSizeIterator::len).sum()
    }

    /// Moves the unopened records to the front. Only when nothing is ready.
    pub fn settle(&mut self) {
        self.ready.clear();
        self.next = 0;
        let len = self.unopened.len();
        self.bytes.copy_within(self.unopened.clone(), 0);
        self.unopened = 0..len;
    }

    /// Copies all that `other` holds into this empty buffer.
    pub fn adopt(&mut self, other: &Self) {
        self.clear();
        let mut at = 0;
        for piece in &other.ready[other.next..] {
            self.bytes[at..at + piece.len()].copy_from_slice(&other.bytes[piece.clone()]);
            at += piece.len();
        }
        self.push(0..at);
        self.unopened = at..at + other.unopened.len();
        self.bytes[self.unopened.clone()].copy_from_slice(&other.bytes[other.unopened.clone()]);
    }

    /// Whether [`Buffer::adopt`] would fit.
    pub fn can_adopt(&self, other: &Self) -> bool {
        other.ready() + other.unopened.len() <= self.bytes.len()
    }

    /// Writes until all is gone or the kernel takes no more. Gives the number of bytes it took.
    pub fn write_to(&mut self, leg: &mut Leg) -> io::Result<usize> {
        let mut total = 0;
        while self.has_ready() && leg.writable() {
            let taken = self.write_pieces(leg)?;
            self.consume(taken);
            total += taken;
        }
        Ok(total)
    }

    fn write_pieces(&self, leg: &mut Leg) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let pieces = &self.ready[self.next..];
        let count = pieces.len().min(PIECES);
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            *slice = IoSlice::new(&self.bytes[piece.clone()]);
        }
        leg.write_vectored(&slices[..count])
    }

    fn consume(&mut self, mut taken: usize) {
        while taken > 0 {
            let piece = &mut self.ready[self.next];
            let part = taken.min(piece.len());
            piece.start += part;
            taken -= part;
            if piece.start == piece.end {
                self.next += 1;
            }
        }
    }
}

/// The length of as many whole records, at most `count`, as stand at the front; `None` when a header
/// announces more than a record may hold.
pub(super) fn whole_records(bytes: &[u8], count: usize) -> Option<usize> {
    let mut at = 0;
    for _ in 0..count {
        let Some(header) = bytes.get(at..at + HEADER) else { break };
        let record = HEADER + usize::from(u16::from_be_bytes([header[3], header[4]]));
        if record > WIRE {
            return None;
        }
        if bytes.len() - at < record {
            break;
        }
        at += record;
    }
    Some(at)
}

/// How many bytes the record still lacks that stands at the front, or its header; none where it is whole.
pub(super) fn missing(bytes: &[u8]) -> usize {
    let Some(header) = bytes.first_chunk::<HEADER>() else { return HEADER - bytes.len() };
    let record = HEADER + usize::from(u16::from_be_bytes([header[3], header[4]]));
    record.saturating_sub(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(len: u16) -> Vec<u8> {
        let mut bytes = vec![23, 3, 3];
        bytes.extend(len.to_be_bytes());
        bytes.resize(HEADER + usize::from(len), 7);
        bytes
    }

    #[test]
    fn records_are_counted_only_when_they_are_whole() {
        let two = [record(10), record(300)].concat();
        assert_eq!(whole_records(&two, 1), Some(15));
        assert_eq!(whole_records(&two, 9), Some(320));
        assert_eq!(whole_records(&two[..319], 9), Some(15));
        assert_eq!(whole_records(&two[..4], 1), Some(0));
        assert_eq!(whole_records(&[], 1), Some(0));
    }

    #[test]
    fn a_record_that_has_begun_is_finished_and_no_byte_behind_it_read() {
        let one = record(10);
        for (have, lack) in [(0, 5), (4, 1), (5, 10), (14, 1), (15, 0)] {
            assert_eq!(missing(&one[..have]), lack, "with {have} bytes");
        }
        assert_eq!(missing(&[record(10), record(9)].concat()), 0);
    }

    #[test]
    fn a_header_that_announces_too_much_is_refused_at_once() {
        assert_eq!(whole_records(&[23, 3, 3, 0xff, 0xff], 1), None);
    }

    #[test]
    fn adopting_keeps_order_and_bytes() {
        let mut big = Buffer::new(200_000);
        big.bytes[100..105].copy_from_slice(b"hello");
        big.bytes[200..206].copy_from_slice(b" world");
        big.bytes[90_000..90_003].copy_from_slice(b"tls");
        big.push(100..105);
        big.push(200..206);
        big.unopened = 90_000..90_003;
        let mut small = Buffer::new(40_000);
        assert!(small.can_adopt(&big));
        small.adopt(&big);
        assert_eq!(&small.bytes[..11], b"hello world");
        assert_eq!(&small.bytes[small.unopened.clone()], b"tls");
        assert_eq!(small.ready(), 11);
    }
}
