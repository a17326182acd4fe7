use std::io;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error("the order cannot be understood: {reason}")]
    Order { reason: String },
    #[error("the job at {key} cannot be had: {reason}")]
    Job { key: String, reason: String },
    #[error("the command {command:?} cannot be started: {source}")]
    Start {
        command: String,
        #[source]
        source: io::Error,
    },
    /// It was ended, or whoever gave the order is gone.
    #[error("the session of the order has ended")]
    Ended,
    #[error("{key} cannot be written: {reason}")]
    Write { key: String, reason: String },
}
