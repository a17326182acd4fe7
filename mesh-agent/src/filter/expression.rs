use super::{Field, FilterError, lexer, parser};
use regex::Regex;

/// A filter expression whose selectors all exist and can be asked what it asks of them.
#[derive(Clone, Debug)]
pub struct Filter {
    pub(super) root: Expression,
}

#[derive(Clone, Debug)]
pub(super) enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Match { path: Vec<String>, test: Test, negated: bool },
}

#[derive(Clone, Debug)]
pub(super) enum Test {
    Text(String),
    Number(f64),
    Bool(bool),
    /// A list's element, a map's key, or a part of a text.
    Contains(String),
    Matches(Regex),
    Empty,
}

impl Filter {
    /// Longest expression, in bytes.
    pub const MAX_LENGTH: usize = 8 * 1024;
    /// Deepest nesting of parentheses and `not`.
    pub const MAX_DEPTH: usize = 64;

    /// # Errors
    /// [`FilterError`] says at which position the expression breaks the grammar, a limit, or names what
    /// `schema` does not have.
    pub fn parse(text: &str, schema: &Field) -> Result<Self, FilterError> {
        if text.len() > Self::MAX_LENGTH {
            return Err(FilterError::TooLong { length: text.len(), limit: Self::MAX_LENGTH });
        }
        let root = parser::parse(lexer::tokens(text)?, schema)?;
        Ok(Self { root })
    }
}
