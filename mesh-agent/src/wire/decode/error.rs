use super::keys::nearest;
use super::path::Path;
use serde_json::Value;
use std::fmt;

/// Why a document could not be read, on one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", prefix(path))]
pub struct DecodeError {
    /// `services[0].connect.proxy`; empty for the document as a whole.
    pub path: String,
    pub problem: Problem,
}

fn prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}

/// What is wrong at the path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("unknown key {found:?}: {}allowed here: {}", hint(*nearest), list(allowed))]
    UnknownKey { found: String, nearest: Option<&'static str>, allowed: &'static [&'static str] },
    #[error("{first:?} and {second:?} are the same key: give it once")]
    SameKey { first: String, second: String },
    #[error("key {key:?} is missing")]
    Missing { key: &'static str },
    #[error("found {found}, want {wanted}")]
    Type { found: String, wanted: String },
    #[error("not valid {language}: {reason}")]
    Syntax { language: &'static str, reason: String },
    /// A value's own type refused it.
    #[error("{reason}")]
    Value { reason: String },
}

fn hint(nearest: Option<&'static str>) -> String {
    nearest.map(|key| format!("did you mean {key:?}? ")).unwrap_or_default()
}

fn list(allowed: &[&str]) -> String {
    if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") }
}

impl DecodeError {
    pub(super) fn at(path: &Path<'_>, problem: Problem) -> Self {
        Self { path: path.to_string(), problem }
    }

    pub(super) fn unknown_key(path: &Path<'_>, found: &str, allowed: &'static [&'static str]) -> Self {
        let nearest = nearest(found, allowed);
        Self::at(path, Problem::UnknownKey { found: cut(found), nearest, allowed })
    }

    pub(super) fn wrong_type(path: &Path<'_>, found: &Value, wanted: impl fmt::Display) -> Self {
        Self::at(path, Problem::Type { found: describe(found), wanted: wanted.to_string() })
    }

    pub(super) fn syntax(language: &'static str, reason: impl fmt::Display) -> Self {
        let reason = one_line(&reason.to_string());
        Self { path: String::new(), problem: Problem::Syntax { language, reason } }
    }

    /// An error that came up without a place gets the one it was found at.
    pub(super) fn found_at(mut self, path: &Path<'_>) -> Self {
        if self.path.is_empty() {
            self.path = path.to_string();
        }
        self
    }
}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self { path: String::new(), problem: Problem::Value { reason: one_line(&reason.to_string()) } }
    }

    fn missing_field(key: &'static str) -> Self {
        Self { path: String::new(), problem: Problem::Missing { key } }
    }
}

/// What a value is, for people; long texts are cut and contents of lists and objects left out.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => format!("the boolean {flag}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {:?}", cut(text)),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect()
}
