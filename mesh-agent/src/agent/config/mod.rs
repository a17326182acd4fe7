//! From files and flags to one valid [`RuntimeConfig`].
//!
//! Each source is read and checked by itself, so that a mistake names its file; then they are merged in
//! order, defaults are filled in, and combinations are checked. Nothing here opens a socket or starts
//! anything.

mod build;
mod error;
mod flags;
mod fragment;
mod host;
mod keys;
mod merge;
mod runtime;
mod settings;
mod source;
mod values;
mod watch;

pub use error::{ConfigError, Warning};
pub use flags::{AGENT_FLAGS, CommandLine};
pub use host::Host;
pub use runtime::*;
pub use source::Format;
pub use watch::{WatchConfig, WatchHandler};

use fragment::Fragment;
use merge::Merge;
use source::Source;
use std::path::PathBuf;

/// What came of reading a configuration.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub runtime: RuntimeConfig,
    pub warnings: Vec<Warning>,
}

/// What `-dev` says before anybody else: one agent, on this host only, that keeps nothing.
const DEV: &str = r#"{
    "bind_addr": "127.0.0.1",
    "server": true,
    "bootstrap": true,
    "connect": {"enabled": true, "proxy": {"allow_managed_api_registration": true}},
    "ui_config": {"enabled": true},
    "log_level": "DEBUG",
    "performance": {"raft_multiplier": 1, "leave_drain_time": "0s"},
    "ports": {"grpc": 8502}
}"#;

/// Reads all that the command line names: the development defaults where asked for, files in order, flags, and
/// `-hcl` fragments; what comes later wins. A reload calls it again.
///
/// # Errors
/// A file cannot be read, a source is not valid, or together they do not make an agent.
pub fn load(command_line: &CommandLine, host: &Host) -> Result<Loaded, ConfigError> {
    let mut all = if command_line.dev { dev_defaults()? } else { Fragment::default() };
    for source in source::read_all(&command_line.paths, command_line.format)? {
        all.merge(Fragment::read(&source)?);
    }
    all.merge(Fragment::decode("command line", command_line.settings.clone())?);
    for (position, text) in command_line.hcl.iter().enumerate() {
        let origin = format!("-hcl {}", position + 1);
        all.merge(Fragment::read(&Source { origin, format: Format::Hcl, text: text.clone() })?);
    }
    finish(all, command_line.dev, host)
}

/// Checks files as an agent would that is started with them. Files that define services and checks
/// alone are checked as an addition to a development agent.
///
/// # Errors
/// As [`load`].
pub fn validate(paths: &[PathBuf], format: Option<Format>, host: &Host) -> Result<Loaded, ConfigError> {
    let mut all = Fragment::default();
    for source in source::read_all(paths, format)? {
        all.merge(Fragment::read(&source)?);
    }
    let says_who_it_is = all.settings.server.is_some() || all.settings.data_dir.is_some();
    if says_who_it_is {
        return finish(all, false, host);
    }
    let mut based = dev_defaults()?;
    based.merge(all);
    finish(based, true, host)
}

fn finish(mut all: Fragment, dev: bool, host: &Host) -> Result<Loaded, ConfigError> {
    let warnings = std::mem::take(&mut all.warnings);
    Ok(Loaded { runtime: build::build(all, dev, host)?, warnings })
}

fn dev_defaults() -> Result<Fragment, ConfigError> {
    Fragment::read(&Source { origin: "-dev".to_owned(), format: Format::Json, text: DEV.to_owned() })
}

#[cfg(test)]
mod tests;
