//! `validate`.

use super::call::Call;
use super::command::{Action, Api, Command};
use super::failure::Failure;
use super::flags::Flag;
use std::path::PathBuf;

pub(super) const VALIDATE: Command = Command {
    path: "validate",
    synopsis: "Checks configuration files without starting an agent",
    arguments: "FILE_OR_DIRECTORY...",
    about: "Reads configuration as an agent would that is started with it, and says what is wrong: the file, the \
            key, what was found and what is allowed. The exit status is 0 if all is well, else 1.",
    flags: &[
        Flag::value("config-format", "format", "hcl or json, whatever the files' names end with."),
        Flag::switch("quiet", "Print nothing when all is well."),
    ],
    api: Api::None,
    misuse: 1,
    action: Action::Run(|call| Box::pin(validate(call))),
};

async fn validate(call: &Call) -> Result<String, Failure> {
    let paths: Vec<PathBuf> = call.matches.positional.iter().map(PathBuf::from).collect();
    if paths.is_empty() {
        return Err(Failure::new("Must specify at least one config file or directory"));
    }
    let format = call.matches.value("config-format");
    if format.is_some_and(|format| !matches!(format, "hcl" | "json")) {
        return Err(Failure::new("-config-format must be hcl or json"));
    }
    let outcome = (call.house.validate)(&paths, format);
    outcome.map_err(|error| Failure::new(format!("Config validation failed: {error}")))?;
    Ok(if call.matches.is_on("quiet") { "" } else { "Configuration is valid!" }.to_owned())
}
