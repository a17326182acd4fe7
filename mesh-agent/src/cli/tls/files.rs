use crate::cli::failure::{Failure, OrFail};
use crate::pki::cluster::Made;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Names of a certificate and of its key.
pub(super) type Names = (String, String);

/// Under new names: nothing that is there is ever overwritten. The key is for its owner alone.
pub(super) fn save((certificate, key): &Names, made: &Made) -> Result<String, Failure> {
    write(key, &made.private_key, 0o600).or_fail(format!("Error writing {key}"))?;
    write(certificate, &made.certificate, 0o644).or_fail(format!("Error writing {certificate}"))?;
    Ok(format!("==> Saved {certificate}\n==> Saved {key}"))
}

fn write(path: &str, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The first of these names of which neither is taken.
pub(super) fn free(names: impl Iterator<Item = Names>) -> Result<Names, Failure> {
    let taken = |name: &str| Path::new(name).symlink_metadata().is_ok();
    let mut free = names.filter(|(certificate, key)| !taken(certificate) && !taken(key));
    free.next().ok_or_else(|| Failure::new("Could not find a filename that doesn't already exist"))
}
