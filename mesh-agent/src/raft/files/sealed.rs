/// Why a sealed file cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("it ends after {found} of {expected} bytes")]
    Short { found: usize, expected: u64 },
    #[error("byte 0 begins {found:02x?} where this kind of file has {expected:02x?}")]
    Kind { found: [u8; KIND], expected: [u8; KIND] },
    #[error("the checksum of its {length} bytes from offset {HEAD} on is wrong")]
    Checksum { length: u64 },
}

/// Length of the mark that says what kind of file it is, and in which version.
const KIND: usize = 8;
/// Kind, length of the content, checksum of it.
const HEAD: usize = KIND + 8 + 4;

/// Puts a head before the content, by which damage is found.
pub(in crate::raft) fn seal(kind: [u8; KIND], content: &[u8]) -> Vec<u8> {
    let mut file = Vec::with_capacity(HEAD + content.len());
    file.extend_from_slice(&kind);
    file.extend_from_slice(&(content.len() as u64).to_le_bytes());
    file.extend_from_slice(&crc32c::crc32c(content).to_le_bytes());
    file.extend_from_slice(content);
    file
}

/// The content of a sealed file.
pub(in crate::raft) fn unseal(kind: [u8; KIND], file: &[u8]) -> Result<&[u8], Damage> {
    let short = |expected| Damage::Short { found: file.len(), expected };
    let (found, rest) = file.split_first_chunk::<KIND>().ok_or_else(|| short(HEAD as u64))?;
    if *found != kind {
        return Err(Damage::Kind { found: *found, expected: kind });
    }
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(|| short(HEAD as u64))?;
    let (checksum, content) = rest.split_first_chunk::<4>().ok_or_else(|| short(HEAD as u64))?;
    let length = u64::from_le_bytes(*length);
    if content.len() as u64 != length {
        return Err(short(length.saturating_add(HEAD as u64)));
    }
    if crc32c::crc32c(content) != u32::from_le_bytes(*checksum) {
        return Err(Damage::Checksum { length });
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_and_every_flipped_bit_is_found() {
        let whole = seal(*b"TESTFILE", b"some content");
        assert_eq!(unseal(*b"TESTFILE", &whole), Ok(&b"some content"[..]));
        for cut in 0..whole.len() {
            assert!(unseal(*b"TESTFILE", &whole[..cut]).is_err(), "cut at {cut}");
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(*b"TESTFILE", &flipped).is_err(), "bit {bit}");
        }
    }
}
