use super::build::build;
use super::config::{self, CommandLine, ConfigError, Format, Host, Loaded};
use super::error::StartError;
use super::house::Ending;
use super::observed::Observed;
use super::pid_file::PidFile;
use std::path::PathBuf;

/// Runs an agent with these arguments until it ends, and says with which exit status.
pub fn run(arguments: &[String]) -> u8 {
    match start(arguments) {
        Ok(Ending::Asked) => 0,
        Ok(Ending::Failed) => 1,
        Err(error) => {
            eprintln!("==> {error}");
            1
        }
    }
}

/// Reads configuration from files and directories as an agent would.
///
/// # Errors
/// One line that names the file, the key, what was found and what is allowed.
pub fn validate(paths: &[PathBuf], format: Option<&str>) -> Result<(), String> {
    let format = format.and_then(Format::parse);
    let loaded = config::validate(paths, format, &Host::detect()).map_err(|e| e.to_string())?;
    warn(&loaded);
    Ok(())
}

/// Why an agent did not come to run.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
}

fn start(arguments: &[String]) -> Result<Ending, RunError> {
    let command_line = CommandLine::parse(arguments)?;
    let loaded = config::load(&command_line, &Host::detect())?;
    warn(&loaded);
    let config = loaded.runtime;
    let observed = Observed::start(&config).map_err(StartError::from)?;
    let _pid_file = PidFile::write(config.pid_file.as_deref())?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Runtime)?;
    let life = async {
        let house = build(command_line, config, observed).await?;
        Ok::<_, StartError>(house.run().await)
    };
    // On this thread it would be woken by each change that it looks at, and a switch of threads costs more than the look.
    let ending = runtime.block_on(runtime.spawn(life)).map_err(|e| StartError::Runtime(e.into()))??;
    Ok(ending)
}

fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        eprintln!("==> warning: {warning}");
    }
}
