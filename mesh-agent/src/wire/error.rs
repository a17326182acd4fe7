use super::decode::DecodeError;
use std::fmt;

/// A value that has the right type but does not make sense: which field, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct FieldError {
    /// `checks[1].interval`
    pub field: String,
    /// What was found and what is allowed.
    pub reason: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self { field: field.into(), reason: reason.to_string() }
    }

    /// The same error, seen from the object that holds `outer`.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        Self { field: format!("{outer}.{}", self.field), ..self }
    }
}

impl From<DecodeError> for FieldError {
    fn from(error: DecodeError) -> Self {
        Self { field: error.path, reason: error.problem.to_string() }
    }
}

/// Puts the name of a field to an error that came up in it.
pub(super) trait At<T> {
    /// The error concerns the field itself.
    fn at(self, field: &str) -> Result<T, FieldError>;
}

impl<T, E: fmt::Display> At<T> for Result<T, E> {
    fn at(self, field: &str) -> Result<T, FieldError> {
        self.map_err(|error| FieldError::new(field, error))
    }
}

/// Converts each item of a list; an error names the item as `field[index]`.
pub(super) fn each<T, U>(
    field: &str,
    items: impl IntoIterator<Item = T>,
    convert: impl Fn(T) -> Result<U, FieldError>,
) -> Result<Vec<U>, FieldError> {
    let items = items.into_iter().enumerate();
    items.map(|(index, item)| convert(item).map_err(|e| e.within(&format!("{field}[{index}]")))).collect()
}
