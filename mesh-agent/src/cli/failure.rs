use std::fmt;

/// Why a command failed: what to print, and the exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For standard output: an answer that the exit status says too.
    pub output: String,
    /// For standard error.
    pub message: String,
    pub status: u8,
}

impl Failure {
    /// With the ordinary exit status, 1.
    pub fn new(message: impl fmt::Display) -> Self {
        Self::with_status(1, message)
    }

    pub fn with_status(status: u8, message: impl fmt::Display) -> Self {
        Self { output: String::new(), message: message.to_string(), status }
    }

    /// An answer on standard output with an exit status of its own.
    pub fn answer(status: u8, output: impl fmt::Display) -> Self {
        Self { output: output.to_string(), message: String::new(), status }
    }
}

/// Says what was attempted before why it failed.
pub(super) trait OrFail<T> {
    fn or_fail(self, attempted: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> OrFail<T> for Result<T, E> {
    fn or_fail(self, attempted: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(format!("{attempted}: {error}")))
    }
}
