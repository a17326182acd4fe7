use super::error::ConfigError;
use std::fs;
use std::path::{Path, PathBuf};

/// Larger files are not configuration.
const MAX_FILE: u64 = 8 << 20;

/// What a configuration text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Hcl,
    Json,
}

impl Format {
    /// `hcl` or `json`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "hcl" => Some(Self::Hcl),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    fn of(path: &Path) -> Option<Self> {
        path.extension().and_then(|extension| extension.to_str()).and_then(Self::parse)
    }
}

/// One text to read configuration from, and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub origin: String,
    pub format: Format,
    pub text: String,
}

/// Reads files, and of directories all that end in `.hcl` or `.json`, in the order of their names.
/// `format` says what the files are written in, whatever their names end with.
pub(super) fn read_all(paths: &[PathBuf], format: Option<Format>) -> Result<Vec<Source>, ConfigError> {
    let mut sources = Vec::new();
    for path in paths {
        let metadata =
            fs::metadata(path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
        if metadata.is_dir() {
            for file in files_in(path, format)? {
                sources.push(read(&file, format)?);
            }
        } else {
            sources.push(read(path, format)?);
        }
    }
    Ok(sources)
}

fn files_in(directory: &Path, format: Option<Format>) -> Result<Vec<PathBuf>, ConfigError> {
    let unreadable = |source| ConfigError::Read { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_meant = format.is_some() || Format::of(&path).is_some();
        if is_meant && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path, format: Option<Format>) -> Result<Source, ConfigError> {
    let refuse = |reason: &str| ConfigError::File { path: path.to_owned(), reason: reason.to_owned() };
    let unreadable = |source| ConfigError::Read { path: path.to_owned(), source };
    let format = format.or_else(|| Format::of(path));
    let format = format.ok_or_else(|| {
        refuse("its name ends in neither .hcl nor .json: rename it, or give -config-format")
    })?;
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE {
        return Err(refuse("it is larger than 8 MiB"));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    Ok(Source { origin: path.display().to_string(), format, text })
}
