use super::http_handler::HttpHandler;
use crate::cli::call::Call;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Who is told of changes.
pub enum Handler {
    Program(ProgramHandler),
    Http(Box<HttpHandler>),
}

/// Why nobody was told of a change.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    #[error("Error starting {program:?}: {source}")]
    Start {
        program: Vec<String>,
        #[source]
        source: std::io::Error,
    },
    #[error("Error executing handler: {0}")]
    Told(String),
}

impl Handler {
    pub(super) fn of(call: &Call) -> Option<Self> {
        let words = call.matches.positional.clone();
        let shell = call.matches.through_shell();
        (!words.is_empty()).then_some(Self::Program(ProgramHandler { words, shell }))
    }

    /// Ends when the handler has; one that fails is told of the next change all the same.
    pub(super) async fn tell(&self, news: &str, index: u64) -> Result<(), HandlerError> {
        match self {
            Self::Program(program) => program.run(news, index).await,
            Self::Http(http) => http.post(news, index).await,
        }
    }
}

/// A program, which gets the news on its standard input.
pub struct ProgramHandler {
    /// At least one.
    pub words: Vec<String>,
    /// Whether a shell reads the words.
    pub shell: bool,
}

impl ProgramHandler {
    async fn run(&self, news: &str, index: u64) -> Result<(), HandlerError> {
        let mut command = self.command();
        command.env("CONSUL_INDEX", index.to_string()).env("MESH_INDEX", index.to_string());
        let child = command.stdin(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child =
            child.map_err(|source| HandlerError::Start { program: self.words.clone(), source })?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read is not to blame.
            let _ = stdin.write_all(news.as_bytes()).await;
            let _ = stdin.write_all(b"\n").await;
        }
        let status = child.wait().await.map_err(|error| HandlerError::Told(error.to_string()))?;
        if status.success() { Ok(()) } else { Err(HandlerError::Told(status.to_string())) }
    }

    fn command(&self) -> Command {
        if !self.shell {
            let mut command = Command::new(&self.words[0]);
            command.args(&self.words[1..]);
            return command;
        }
        let mut command = Command::new(std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned()));
        command.arg("-c").arg(self.words.join(" "));
        command
    }
}
