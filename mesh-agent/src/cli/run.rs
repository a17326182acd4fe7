use super::call::Call;
use super::client::Environment;
use super::command::{Action, Command, Run};
use super::failure::Failure;
use super::flags::{FlagError, Matches};
use super::tree::find;
use super::{help, version};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the commands need of the house above them.
#[derive(Clone, Copy)]
pub struct House {
    /// Runs an agent with these arguments until it ends, and says with which exit status. It prints its
    /// own errors.
    pub agent: fn(&[String]) -> u8,
    /// The flags of `agent`, for its help page.
    pub agent_flags: &'static [super::Flag],
    /// Reads configuration from files and directories as an agent would. The format is `hcl` or `json`
    /// where given, else each file's extension says it.
    pub validate: fn(&[PathBuf], Option<&str>) -> Result<(), String>,
}

/// The name that the program was started under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Mesh,
    Consul,
}

impl Program {
    fn of(path: &str) -> Self {
        let name = Path::new(path).file_stem().and_then(|name| name.to_str());
        if name == Some("consul") { Self::Consul } else { Self::Mesh }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Mesh => "mesh",
            Self::Consul => "consul",
        }
    }

    /// As a title has it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Mesh => "Mesh",
            Self::Consul => "Consul",
        }
    }
}

/// What came of a command: text for standard output, then perhaps an error.
type Outcome = Result<String, Failure>;

/// The exit status when there is no such command.
const NO_SUCH_COMMAND: u8 = 127;

/// Carries out the command line, the program's name first.
pub fn main(command_line: &[String], house: House) -> ExitCode {
    let program = Program::of(command_line.first().map_or("mesh", String::as_str));
    let arguments = command_line.get(1..).unwrap_or_default();
    match dispatch(program, arguments, house) {
        Ok(text) => {
            print_all(&text);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            print_all(&failure.output);
            if !failure.message.is_empty() {
                eprintln!("{}", failure.message.trim_end());
            }
            ExitCode::from(failure.status)
        }
    }
}

/// A reader that went away, such as `head`, is no error of ours.
fn print_all(text: &str) {
    use std::io::Write;
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(std::io::stdout(), "{text}{end}");
}

fn dispatch(program: Program, arguments: &[String], house: House) -> Outcome {
    match arguments.first().map(String::as_str) {
        None => Err(Failure::with_status(NO_SUCH_COMMAND, help::overview(program.name()))),
        Some("-h" | "--h" | "-help" | "--help") => Ok(help::overview(program.name())),
        Some("-v" | "-version" | "--version") => Ok(version::text(program)),
        Some("help") => help_for(program, &arguments[1..], house),
        Some(_) => match find(arguments) {
            Some((command, rest)) => carry_out(program, command, rest, house),
            None => Err(no_such_command(program, arguments)),
        },
    }
}

fn no_such_command(program: Program, arguments: &[String]) -> Failure {
    let name = program.name();
    let message = format!("There is no command {:?}.\n\n{}", arguments[0], help::overview(name));
    Failure::with_status(NO_SUCH_COMMAND, message)
}

fn help_for(program: Program, words: &[String], house: House) -> Outcome {
    match find(words) {
        None if words.is_empty() => Ok(help::overview(program.name())),
        None => Err(no_such_command(program, words)),
        Some((command, _)) => Ok(help::page(program.name(), &with_house(command, house))),
    }
}

/// The agent's flags are the house's to say.
fn with_house(command: &Command, house: House) -> Command {
    match command.action {
        Action::House => Command { flags: house.agent_flags, ..*command },
        _ => *command,
    }
}

fn carry_out(program: Program, command: &Command, arguments: &[String], house: House) -> Outcome {
    let command = &with_house(command, house);
    let parse = if command.runs_its_arguments() { Matches::parse_leading } else { Matches::parse };
    let matches = match parse(arguments, &command.all_flags()) {
        Ok(matches) => matches,
        Err(FlagError::Help) => return Ok(help::page(program.name(), command)),
        Err(error) => return Err(misuse(program, command, &error)),
    };
    match command.action {
        Action::Group => Err(in_group(program, command, &matches)),
        Action::House => ended((house.agent)(arguments)),
        Action::Run(run) => {
            let environment = Environment::of_process();
            run_to_end(run, &Call { program, matches, environment, house })
        }
    }
}

fn ended(status: u8) -> Outcome {
    if status == 0 { Ok(String::new()) } else { Err(Failure::with_status(status, "")) }
}

fn misuse(program: Program, command: &Command, error: &FlagError) -> Failure {
    let message = format!("{error}; see: {} {} -help", program.name(), command.path);
    Failure::with_status(command.misuse, message)
}

/// A group alone does nothing, and so does a group with a word that none of its commands has.
fn in_group(program: Program, command: &Command, matches: &Matches) -> Failure {
    let page = help::page(program.name(), command);
    match matches.positional.first() {
        None => Failure::new(page),
        Some(word) => Failure::new(format!("There is no command \"{} {word}\".\n\n{page}", command.path)),
    }
}

fn run_to_end(run: Run, call: &Call) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("cannot start an I/O runtime: {error}")))?;
    runtime.block_on(run(call))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tree::COMMANDS;

    const HOUSE: House = House {
        agent: |arguments| u8::try_from(arguments.len()).unwrap(),
        agent_flags: &[super::super::Flag::switch("dev", "Development mode.")],
        validate: |_, _| Err("not valid".to_owned()),
    };

    fn run(line: &str) -> Outcome {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        dispatch(Program::Mesh, &words, HOUSE)
    }

    fn status(line: &str) -> u8 {
        run(line).unwrap_err().status
    }

    #[test]
    fn a_path_however_written_names_its_program() {
        assert_eq!(Program::of("/usr/bin/consul"), Program::Consul);
        assert_eq!(Program::of("target/debug/mesh"), Program::Mesh);
    }

    #[test]
    fn exit_statuses_are_consuls() {
        let cases =
            [("", 127), ("bogus", 127), ("intention", 1), ("members -bogus", 1), ("intention check a", 2)];
        for (line, expected) in cases {
            assert_eq!(status(line), expected, "{line}");
        }
    }

    #[test]
    fn help_can_be_asked_for_anywhere() {
        let lines = ["help intention create", "intention create -help", "intention create web --h"];
        for line in lines {
            assert!(run(line).unwrap().starts_with("Usage: mesh intention create"), "{line}");
        }
        assert!(run("agent -help").unwrap().contains("Development mode."));
        assert!(run("help").unwrap().starts_with("Usage: mesh"));
    }

    #[test]
    fn agent_arguments_go_to_the_house_once_they_are_understood() {
        assert_eq!(status("agent -dev -dev"), 2);
        assert!(run("agent -bogus").unwrap_err().message.contains("-bogus"));
    }

    #[test]
    fn every_command_can_be_found() {
        for command in COMMANDS {
            let words: Vec<String> = command.path.split(' ').map(str::to_owned).collect();
            assert_eq!(find(&words).unwrap().0.path, command.path);
        }
    }
}
