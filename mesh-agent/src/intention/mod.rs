//! Validates, ranks and matches intentions.
//!
//! It does not know where intentions are kept, who asks, or how identities are proved.

mod decision;
#[cfg(test)]
pub(crate) mod fixture;
mod limits;
mod rank;

pub use decision::{DEFAULT_REASON, IntentionDecision, decide};
pub use limits::{IntentionError, validate};
pub use rank::{Side, bears_on, rank};
