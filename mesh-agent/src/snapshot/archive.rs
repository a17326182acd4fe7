use super::{ArchiveError, Meta};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Read};

const META: &str = "meta.json";
const STATE: &str = "state.bin";
const SUMS: &str = "SHA256SUMS";
/// Bytes of one file, unpacked: a small archive may hold endless zeros.
const LIMIT: u64 = 1 << 30;

/// A state with what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    pub meta: Meta,
    pub state: Vec<u8>,
}

impl Archive {
    /// The bytes of a file that [`Archive::open`] reads.
    ///
    /// # Errors
    /// Packing into memory failed, which only a lack of memory causes.
    pub fn pack(&self) -> io::Result<Vec<u8>> {
        let meta = serde_json::to_vec(&self.meta)?;
        let sums = format!("{}  {META}\n{}  {STATE}\n", digest(&meta), digest(&self.state));
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        for (name, bytes) in [(META, &meta[..]), (STATE, &self.state), (SUMS, sums.as_bytes())] {
            append(&mut tar, name, bytes)?;
        }
        tar.into_inner()?.finish()
    }

    /// # Errors
    /// Anything is missing, damaged, too large, or of another layout.
    pub fn open(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let mut files = unpack(bytes)?;
        let sums = take(&mut files, SUMS)?;
        let sums = String::from_utf8_lossy(&sums);
        let meta = checked(&mut files, META, &sums)?;
        let state = checked(&mut files, STATE, &sums)?;
        let meta: Meta = serde_json::from_slice(&meta).map_err(|source| ArchiveError::Meta { source })?;
        if meta.version != Meta::VERSION {
            return Err(ArchiveError::Version { found: meta.version, want: Meta::VERSION });
        }
        Ok(Self { meta, state })
    }
}

fn append<W: io::Write>(tar: &mut tar::Builder<W>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    tar.append_data(&mut header, name, bytes)
}

fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(GzDecoder::new(bytes)).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        if ![META, STATE, SUMS].contains(&name.as_str()) {
            return Err(ArchiveError::Unexpected { file: name });
        }
        let mut content = Vec::new();
        entry.by_ref().take(LIMIT + 1).read_to_end(&mut content)?;
        if content.len() as u64 > LIMIT {
            return Err(ArchiveError::TooLarge { file: name, limit: LIMIT });
        }
        files.insert(name, content);
    }
    Ok(files)
}

fn take(files: &mut BTreeMap<String, Vec<u8>>, file: &'static str) -> Result<Vec<u8>, ArchiveError> {
    files.remove(file).ok_or(ArchiveError::Missing { file })
}

/// The file, if SHA256SUMS has its checksum.
fn checked(
    files: &mut BTreeMap<String, Vec<u8>>,
    file: &'static str,
    sums: &str,
) -> Result<Vec<u8>, ArchiveError> {
    let content = take(files, file)?;
    let sum = sums.lines().find_map(|line| line.strip_suffix(file)).map(str::trim);
    if sum != Some(digest(&content).as_str()) {
        return Err(ArchiveError::Damaged { file });
    }
    Ok(content)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Archive {
        let state: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        Archive { meta: Meta::new(7, 1_000, state.len() as u64), state }
    }

    /// A file like an archive, with these files in it.
    fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, bytes) in files {
            append(&mut tar, name, bytes).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn what_was_packed_comes_out() {
        assert_eq!(Archive::open(&archive().pack().unwrap()).unwrap(), archive());
    }

    #[test]
    fn an_archive_that_was_cut_or_changed_anywhere_is_refused() {
        let whole = archive().pack().unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 50) {
            assert!(Archive::open(&whole[..at]).is_err(), "cut at {at}");
            let mut changed = whole.clone();
            changed[at] ^= 0x20;
            // A header of gzip or tar may hold what nobody reads; the content may not differ.
            assert!(Archive::open(&changed).map_or(true, |opened| opened == archive()), "changed at {at}");
        }
    }

    #[test]
    fn what_is_no_archive_is_refused_with_its_reason() {
        let meta = serde_json::to_vec(&Meta { version: 9, ..archive().meta }).unwrap();
        let sums = format!("{}  {META}\n{}  {STATE}\n", digest(&meta), digest(b"state"));
        let cases: &[(Vec<u8>, &str)] = &[
            (b"noise".to_vec(), "not a gzipped tar file"),
            (tar_of(&[]), "no file \"SHA256SUMS\""),
            (tar_of(&[("etc/passwd", b"x")]), "has a file"),
            (tar_of(&[(META, &meta), (STATE, b"other"), (SUMS, sums.as_bytes())]), "checksum of state.bin"),
            (tar_of(&[(META, &meta), (STATE, b"state"), (SUMS, sums.as_bytes())]), "has layout 9"),
        ];
        for (bytes, want) in cases {
            let refused = Archive::open(bytes).unwrap_err().to_string();
            assert!(refused.contains(want), "{refused:?} does not say {want:?}");
        }
    }
}
