//! Carries out commands that an operator has all nodes run, and tells what came of them, in Consul's form: an event
//! names a session, and job, output and status are values under that session's lock.
//!
//! It does not know how events or values travel: values are behind [`Desk`], events come as bytes. Whoever ends the
//! session ends the commands.

mod desk;
mod error;
mod executor;
mod job;
mod order;
mod output;
mod process;
mod run;
#[cfg(test)]
mod tests;

pub use desk::{Desk, Held};
pub use error::ExecError;
pub use executor::{Executor, MOST_WAITING};
