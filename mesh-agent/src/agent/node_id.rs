use super::config::RuntimeConfig;
use super::error::StartError;
use std::fs;
use std::path::Path;
use uuid::Uuid;

/// The configured id, or the one in the data directory, or a new one that is kept there.
pub(super) fn node_id(config: &RuntimeConfig) -> Result<Uuid, StartError> {
    match (&config.node.id, &config.data_dir) {
        (Some(id), _) => Ok(*id),
        (None, Some(directory)) => kept(&directory.join("node-id")),
        (None, None) => Ok(Uuid::new_v4()),
    }
}

fn kept(path: &Path) -> Result<Uuid, StartError> {
    let failed = |source| StartError::File { what: "the node's id in", path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(text) => text.trim().parse().map_err(|_| StartError::NodeId {
            path: path.to_owned(),
            found: text.chars().take(64).collect(),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = Uuid::new_v4();
            fs::write(path, id.to_string()).map_err(failed)?;
            Ok(id)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node-id");
        let first = kept(&path).unwrap();
        assert_eq!(kept(&path).unwrap(), first);
    }

    #[test]
    fn a_damaged_id_is_an_error_that_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node-id");
        fs::write(&path, "garbage").unwrap();
        assert!(kept(&path).unwrap_err().to_string().contains("remove it"));
    }
}
