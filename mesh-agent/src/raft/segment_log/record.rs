/// One record of a segment. On disk, little-endian and padded with zeros to a multiple of 8 bytes:
///
/// | bytes | field |
/// |---|---|
/// | 4 | length of the payload, never 0 |
/// | 4 | crc32c of the segment's number and of all other fields |
/// | 8 | sequence: grows by one from record to record, over all segments |
/// | 8 | durable: every record below this one was on disk when this one was written |
/// | … | payload |
///
/// `durable` is what tells a torn tail, which nobody was promised, from a damaged middle.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) sequence: u64,
    pub(super) durable: u64,
    pub(super) payload: &'a [u8],
    /// Where the next record begins.
    pub(super) end: usize,
}

/// Records begin at multiples of this.
pub(super) const ALIGNMENT: usize = 8;
const HEAD: usize = 24;

/// Appends a record to `buffer`, which will be written at an aligned place of segment `segment`.
pub(super) fn encode(segment: u64, sequence: u64, durable: u64, payload: &[u8], buffer: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).expect("commands are limited far below 4 GiB").to_le_bytes();
    let (sequence, durable) = (sequence.to_le_bytes(), durable.to_le_bytes());
    let checksum = checksum(segment, &[&length, &sequence, &durable, payload]);
    for part in [&length[..], &checksum.to_le_bytes(), &sequence, &durable, payload] {
        buffer.extend_from_slice(part);
    }
    buffer.resize(buffer.len().next_multiple_of(ALIGNMENT), 0);
}

/// The bytes that a record with such a payload takes.
pub(super) fn encoded_length(payload: &[u8]) -> usize {
    (HEAD + payload.len()).next_multiple_of(ALIGNMENT)
}

/// The record at `at`, if there is a whole and sound one.
pub(super) fn decode(segment: u64, data: &[u8], at: usize) -> Option<Record<'_>> {
    let (length, rest) = data.get(at..)?.split_first_chunk::<4>()?;
    let (expected, rest) = rest.split_first_chunk::<4>()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (durable, rest) = rest.split_first_chunk::<8>()?;
    let payload_length = u32::from_le_bytes(*length) as usize;
    if payload_length == 0 {
        return None;
    }
    let payload = rest.get(..payload_length)?;
    if checksum(segment, &[length, sequence, durable, payload]) != u32::from_le_bytes(*expected) {
        return None;
    }
    Some(Record {
        sequence: u64::from_le_bytes(*sequence),
        durable: u64::from_le_bytes(*durable),
        payload,
        end: at + encoded_length(payload),
    })
}

/// The segment's number is in it, so that a record is never taken for one of another segment.
fn checksum(segment: u64, parts: &[&[u8]]) -> u32 {
    let start = crc32c::crc32c(&segment.to_le_bytes());
    parts.iter().fold(start, |checksum, part| crc32c::crc32c_append(checksum, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_records() -> Vec<u8> {
        let mut data = Vec::new();
        encode(7, 40, 38, b"first", &mut data);
        encode(7, 41, 40, b"the second", &mut data);
        data
    }

    #[test]
    fn records_follow_each_other() {
        let data = two_records();
        let first = decode(7, &data, 0).unwrap();
        assert_eq!((first.sequence, first.durable, first.payload), (40, 38, &b"first"[..]));
        let second = decode(7, &data, first.end).unwrap();
        assert_eq!((second.sequence, second.payload, second.end), (41, &b"the second"[..], data.len()));
        assert_eq!(decode(7, &data, second.end), None);
    }

    #[test]
    fn a_record_belongs_to_its_segment() {
        assert_eq!(decode(8, &two_records(), 0), None);
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let whole = two_records();
        for bit in 0..(HEAD + b"first".len()) * 8 {
            let mut data = whole.clone();
            data[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(7, &data, 0), None, "bit {bit}");
        }
    }

    #[test]
    fn zeros_are_no_record() {
        assert_eq!(decode(0, &[0; 64], 0), None);
    }
}
