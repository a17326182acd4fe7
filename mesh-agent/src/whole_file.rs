//! Files that are replaced as a whole, or not at all, for their owner alone: there may be keys and tokens in them.
//!
//! It does not know what is in them, nor who reads them.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What is left over of a file that was not finished ends in this.
const UNFINISHED: &str = ".tmp";

/// Puts a file in place, on disk before anybody goes on from it: after a power cut the new content is there, or the old
/// one. Not for a thread that others wait for: it takes a disk's round trip.
///
/// # Errors
/// The directory cannot be written to, or the disk fails.
pub fn keep(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = directory(path);
    let unfinished = write(directory, path, content)?;
    File::open(&unfinished)?.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(directory)?.sync_all()
}

/// As [`keep`], whatever becomes of this process, but not of the power: it waits for no disk.
///
/// # Errors
/// The directory cannot be written to.
pub fn keep_cheaply(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = write(directory(path), path, content)?;
    fs::rename(unfinished, path)
}

/// Makes the directory of a file, for its owner alone, if need be.
///
/// # Errors
/// It cannot be made.
pub fn make_directory_of(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory(path))
}

/// The file's new content, beside it. It is a new file, so that nobody else may read it.
fn write(directory: &Path, path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let mut name = OsString::from(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    name.push(UNFINISHED);
    let unfinished = directory.join(name);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(content)?;
    Ok(unfinished)
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("new/secret.json");
        make_directory_of(&path).unwrap();
        for put in [keep, keep_cheaply] {
            for content in [&b"a long first one"[..], b"short"] {
                put(&path, content).unwrap();
                assert_eq!(fs::read(&path).unwrap(), content);
            }
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
            assert!(put(&place.path().join("absent/secret"), b"x").is_err());
            assert!(put(Path::new("/"), b"x").is_err());
        }
    }

    #[test]
    fn what_others_may_read_is_not_written_to() {
        let place = tempfile::tempdir().unwrap();
        let (path, left) = (place.path().join("secret"), place.path().join("secret.tmp"));
        fs::write(&left, "left over").unwrap();
        fs::set_permissions(&left, fs::Permissions::from_mode(0o644)).unwrap();
        keep(&path, b"key").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_bare_name_lies_in_the_working_directory() {
        assert_eq!(directory(Path::new("backup.snap")), Path::new("."));
        assert_eq!(directory(Path::new("kept/backup.snap")), Path::new("kept"));
    }
}
