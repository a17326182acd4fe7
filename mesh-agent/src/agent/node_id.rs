use super::config::RuntimeConfig;
use super::error::StartError;
use crate::whole_file;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use uuid::Uuid;

/// The configured id, or the one in the data directory, or a new one that is kept there.
pub(super) fn node_id(config: &RuntimeConfig) -> Result<Uuid, StartError> {
    match (&config.node.id, &config.data_dir) {
        (Some(id), _) => Ok(*id),
        (None, Some(directory)) => kept_in(directory),
        (None, None) => Ok(Uuid::new_v4()),
    }
}

/// A data directory that does not exist yet is made, for this agent's user alone.
fn kept_in(directory: &Path) -> Result<Uuid, StartError> {
    let failed = |source| StartError::File { what: "the data directory", path: directory.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    kept(&directory.join("node-id"))
}

/// A server whose id is lost would be another one, and the votes that it gave nobody's.
fn kept(path: &Path) -> Result<Uuid, StartError> {
    let failed = |source| StartError::File { what: "the node's id in", path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(text) => text.trim().parse().map_err(|_| StartError::NodeId {
            path: path.to_owned(),
            found: text.chars().take(64).collect(),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = Uuid::new_v4();
            whole_file::keep(path, id.to_string().as_bytes()).map_err(failed)?;
            Ok(id)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_once_and_kept_in_a_directory_that_is_made_too() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("var/mesh");
        let first = kept_in(&data).unwrap();
        assert_eq!(kept_in(&data).unwrap(), first);
    }

    #[test]
    fn a_damaged_id_is_an_error_that_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node-id");
        fs::write(&path, "garbage").unwrap();
        assert!(kept(&path).unwrap_err().to_string().contains("remove it"));
    }
}
