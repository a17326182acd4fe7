use crate::cli::call::Call;
use crate::cli::failure::{Failure, OrFail};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The program that is told of changes.
pub(super) struct Handler {
    program: Vec<String>,
    shell: bool,
}

impl Handler {
    pub(super) fn of(call: &Call) -> Option<Self> {
        let program = call.matches.positional.clone();
        (!program.is_empty()).then(|| Self { program, shell: call.matches.value("shell") != Some("false") })
    }

    /// Runs to its end; one that fails is told of the next change all the same.
    pub(super) async fn run(&self, input: &str, index: u64) -> Result<(), Failure> {
        let mut command = self.command();
        command.env("CONSUL_INDEX", index.to_string()).env("MESH_INDEX", index.to_string());
        let child = command.stdin(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child = child.or_fail(format!("Error starting {:?}", self.program))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read is not to blame.
            let _ = stdin.write_all(input.as_bytes()).await;
            let _ = stdin.write_all(b"\n").await;
        }
        let status = child.wait().await.or_fail("Error waiting for the handler")?;
        if !status.success() {
            eprintln!("Error executing handler: {status}");
        }
        Ok(())
    }

    fn command(&self) -> Command {
        if !self.shell {
            let mut command = Command::new(&self.program[0]);
            command.args(&self.program[1..]);
            return command;
        }
        let mut command = Command::new(std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned()));
        command.arg("-c").arg(self.program.join(" "));
        command
    }
}
