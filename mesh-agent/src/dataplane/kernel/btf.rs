use super::error::KernelError;

/// What a kernel says of its own types: BTF, as the kernel's `Documentation/bpf/btf.rst` lays it out. Only where members
/// of structures lie is read of it.
pub(super) struct Btf<'a> {
    types: &'a [u8],
    strings: &'a [u8],
}

const MAGIC: u16 = 0xeb9f;
const HEADER: usize = 24;
const TYPE: usize = 12;
const MEMBER: usize = 12;
const STRUCT: u32 = 4;
/// In a type's `info`: its members have the size of a bit field in the upper byte of their offset.
const BIT_FIELDS: u32 = 1 << 31;

/// Nothing of it is trusted: each range is looked up before it is read.
const SHORT: KernelError = KernelError::Btf { found: "it ends too early" };

impl<'a> Btf<'a> {
    /// # Errors
    /// It is no BTF of this machine's byte order, or is cut off.
    pub fn parse(data: &'a [u8]) -> Result<Self, KernelError> {
        if u16_at(data, 0)? != MAGIC {
            return Err(KernelError::Btf { found: "it has no BTF's magic number" });
        }
        let body = data.get(usize_at(data, 4)?.max(HEADER)..).ok_or(SHORT)?;
        let part = |at| range(body, usize_at(data, at)?, usize_at(data, at + 4)?);
        Ok(Self { types: part(8)?, strings: part(16)? })
    }

    /// How many bytes after the beginning of the structure its own member of that name begins.
    ///
    /// # Errors
    /// There is none, or one that begins within a byte, or a kind of type comes before it that nobody knew of.
    pub fn offset(&self, structure: &str, member: &str) -> Result<u32, KernelError> {
        let mut rest = self.types;
        while !rest.is_empty() {
            let (name, info) = (usize_at(rest, 0)?, u32_at(rest, 4)?);
            let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
            let more = range(rest, TYPE, length(kind, count)?)?;
            if kind == STRUCT && self.is(name, structure) {
                return self.member(more, member, info & BIT_FIELDS != 0);
            }
            rest = &rest[TYPE + more.len()..];
        }
        Err(KernelError::Btf { found: "a structure is missing" })
    }

    fn member(&self, members: &[u8], wanted: &str, bit_fields: bool) -> Result<u32, KernelError> {
        for member in members.chunks_exact(MEMBER) {
            if self.is(usize_at(member, 0)?, wanted) {
                let bits = u32_at(member, 8)? & if bit_fields { 0xff_ffff } else { u32::MAX };
                let whole = (bits % 8 == 0).then_some(bits / 8);
                return whole.ok_or(KernelError::Btf { found: "a member begins within a byte" });
            }
        }
        Err(KernelError::Btf { found: "a structure has another shape" })
    }

    fn is(&self, name: usize, wanted: &str) -> bool {
        let found = self.strings.get(name..).and_then(|rest| rest.get(..=wanted.len()));
        found.and_then(|found| found.strip_suffix(&[0])) == Some(wanted.as_bytes())
    }
}

/// How many bytes follow a type's first twelve, by its kind and its count.
fn length(kind: u32, count: usize) -> Result<usize, KernelError> {
    let each = match kind {
        1 | 14 | 17 => return Ok(4),          // Integer, variable, tag of a declaration.
        3 => return Ok(12),                   // Array.
        2 | 7..=12 | 16 | 18 => return Ok(0), // Pointer, forward, alias, qualifiers, function, float, tag.
        STRUCT | 5 | 15 | 19 => 12,           // Structure, union, section, enumeration of 64 bits.
        6 | 13 => 8,                          // Enumeration, signature.
        _ => return Err(KernelError::Btf { found: "it has a kind of type that is not known" }),
    };
    Ok(each * count)
}

fn range(data: &[u8], from: usize, length: usize) -> Result<&[u8], KernelError> {
    data.get(from..).and_then(|rest| rest.get(..length)).ok_or(SHORT)
}

fn u16_at(data: &[u8], at: usize) -> Result<u16, KernelError> {
    Ok(u16::from_ne_bytes(range(data, at, 2)?.try_into().expect("two bytes were taken")))
}

fn u32_at(data: &[u8], at: usize) -> Result<u32, KernelError> {
    Ok(u32::from_ne_bytes(range(data, at, 4)?.try_into().expect("four bytes were taken")))
}

fn usize_at(data: &[u8], at: usize) -> Result<usize, KernelError> {
    Ok(u32_at(data, at)? as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One structure `pair { a: bits 0.., b: bits 64.. }` behind an integer, with a longer header than is known.
    fn small(kind_flag: u32, second: u32) -> Vec<u8> {
        let strings = b"\0int\0pair\0a\0b\0";
        let types = [1, 1 << 24, 4, 0, 5, STRUCT << 24 | kind_flag | 2, 16, 10, 1, 0, 12, 1, second];
        let types: Vec<u8> = types.iter().flat_map(|word: &u32| word.to_ne_bytes()).collect();
        let length = |part: &[u8]| u32::try_from(part.len()).unwrap();
        let mut data = MAGIC.to_ne_bytes().to_vec();
        data.extend([1, 0]);
        for word in [28, 0, length(&types), length(&types), length(strings), 7] {
            data.extend(word.to_ne_bytes());
        }
        [data, types, strings.to_vec()].concat()
    }

    fn offset(data: &[u8], structure: &str, member: &str) -> Result<u32, String> {
        Btf::parse(data).and_then(|btf| btf.offset(structure, member)).map_err(|error| error.to_string())
    }

    #[test]
    fn members_are_found_by_their_names() {
        assert_eq!(offset(&small(0, 64), "pair", "a"), Ok(0));
        assert_eq!(offset(&small(0, 64), "pair", "b"), Ok(8));
        assert_eq!(offset(&small(BIT_FIELDS, 7 << 24 | 64), "pair", "b"), Ok(8));
        for (second, structure, member, found) in [
            (64, "pai", "a", "a structure is missing"),
            (64, "int", "a", "a structure is missing"),
            (64, "pair", "c", "another shape"),
            (63, "pair", "b", "within a byte"),
        ] {
            let error = offset(&small(0, second), structure, member).unwrap_err();
            assert!(error.contains(found), "{error}");
        }
    }

    #[test]
    fn damage_is_found_and_nothing_beyond_the_end_is_read() {
        let whole = small(0, 64);
        for end in 0..whole.len() - 2 {
            assert!(offset(&whole[..end], "pair", "b").is_err(), "cut at {end}");
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let _ = offset(&damaged, "pair", "b"); // Whatever it says, it comes back.
            }
        }
        let mut unknown = whole;
        unknown[28 + 7] = 31;
        assert!(offset(&unknown, "pair", "a").unwrap_err().contains("not known"));
    }
}
