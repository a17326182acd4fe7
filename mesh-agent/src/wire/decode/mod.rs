//! One decoder for what people and clients write: API bodies and configuration files.
//!
//! Keys match whatever their case and underscores; an unknown or repeated key and a value of the
//! wrong type are errors that name the path, what was found and what is allowed. What a type does not
//! look into (`Opaque`) passes through untouched. It does not know which types there are.

mod access;
mod deserialize;
mod error;
mod hcl;
mod json;
mod keys;
mod path;

pub use error::{DecodeError, Problem};
pub use hcl::parse_hcl;
pub use json::{MAX_DEPTH, parse_json};
pub use keys::{fold, nearest};

use deserialize::Node;
use path::Path;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How forgiving the decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// JSON bodies: every value has its own type.
    Api,
    /// Configuration files: a block stands for a list of one, and a list of one for a block; numbers and
    /// booleans may be given as text, and the other way round, as Consul reads them.
    Config,
}

/// Reads an API body.
///
/// # Errors
/// The text is not JSON, repeats a key, nests too deeply, or does not fit `T`.
pub fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    from_value(parse_json(body)?, Style::Api)
}

/// # Errors
/// The value does not fit `T`.
pub fn from_value<T: DeserializeOwned>(value: Value, style: Style) -> Result<T, DecodeError> {
    T::deserialize(Node::new(value, style, Path::Root))
}

#[cfg(test)]
mod tests;
