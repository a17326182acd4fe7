//! The pages that `-help` prints.

use super::command::{Action, Api, Command, shared_flags};
use super::flags::{Flag, FlagKind};
use super::tree::{COMMANDS, children};
use std::fmt::Write;

/// Columns of a page.
const WIDTH: usize = 78;

/// The page of the program as a whole.
pub(super) fn overview(program: &str) -> String {
    let top: Vec<Command> = COMMANDS.iter().filter(|c| !c.path.contains(' ')).copied().collect();
    format!(
        "Usage: {program} [-version] [-help] <command> [<args>]\n\nAvailable commands are:\n{}",
        listing(&top)
    )
}

/// The page of one command or group.
pub(super) fn page(program: &str, command: &Command) -> String {
    let mut page = format!("Usage: {}\n", usage(program, command));
    for paragraph in command.about.split("\n\n") {
        let _ = write!(page, "\n{}", indented(paragraph, 2));
    }
    if matches!(command.action, Action::Group) {
        let _ = write!(page, "\nSubcommands:\n{}", listing(&children(command)));
    }
    section(&mut page, "Command Options", &mut command.flags.iter());
    if command.api != Api::None {
        section(&mut page, "HTTP API Options", &mut shared_flags(command.api));
    }
    page
}

fn usage(program: &str, command: &Command) -> String {
    let tail = match command.action {
        Action::Group => "<subcommand> [options] [args]",
        _ => "[options]",
    };
    format!("{program} {} {tail} {}", command.path, command.arguments).trim_end().to_owned()
}

fn listing(commands: &[Command]) -> String {
    let last_word = |command: &Command| command.path.rsplit(' ').next().unwrap_or_default();
    let widest = commands.iter().map(|command| last_word(command).len()).max().unwrap_or(0);
    let line = |c: &Command| format!("    {:widest$}    {}\n", last_word(c), c.synopsis);
    commands.iter().map(line).collect()
}

fn section(page: &mut String, title: &str, flags: &mut dyn Iterator<Item = &Flag>) {
    let mut flags: Vec<&Flag> = flags.collect();
    flags.sort_by_key(|flag| flag.name);
    if flags.is_empty() {
        return;
    }
    let _ = writeln!(page, "\n{title}");
    for flag in flags {
        let _ = write!(page, "\n  {}\n{}", spelling(flag), indented(flag.about, 5));
    }
}

fn spelling(flag: &Flag) -> String {
    match flag.kind {
        FlagKind::Switch => format!("-{}", flag.name),
        FlagKind::Value(shown) => format!("-{}=<{shown}>", flag.name),
    }
}

/// Lines that begin with blanks stand as they are, others are filled up to the width of a page.
fn indented(text: &str, by: usize) -> String {
    let mut out = String::new();
    if text.starts_with(' ') {
        text.lines().for_each(|line| out += &format!("{:by$}{line}\n", ""));
        return out;
    }
    let mut line = " ".repeat(by);
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            out += &format!("{line}\n");
            line = " ".repeat(by);
        }
        if line.len() > by {
            line.push(' ');
        }
        line += word;
    }
    out + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_that_fits_and_a_synopsis() {
        for command in COMMANDS {
            let page = page("mesh", command);
            assert!(page.starts_with(&format!("Usage: mesh {}", command.path)), "{page}");
            assert!(page.lines().all(|line| line.len() <= WIDTH), "{page}");
            assert!(!command.synopsis.is_empty() && !command.about.is_empty(), "{}", command.path);
        }
    }

    #[test]
    fn every_path_hangs_on_a_group() {
        for command in COMMANDS {
            if let Some((parent, _)) = command.path.rsplit_once(' ') {
                let group = COMMANDS.iter().find(|c| c.path == parent);
                assert!(group.is_some_and(|c| matches!(c.action, Action::Group)), "{}", command.path);
            }
        }
    }

    #[test]
    fn the_overview_lists_the_first_words_only() {
        let page = overview("mesh");
        assert!(page.contains("\n    intention "));
        assert!(!page.contains("\n    create "));
    }
}
