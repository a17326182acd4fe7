//! Filter expressions, the language of `?filter=`: parsed once, checked against the fields that a resource
//! has, then asked of each of its JSON objects.
//!
//! It does not know which resources exist, who may read them, or HTTP.

mod error;
mod evaluate;
mod expression;
mod lexer;
mod parser;
mod schema;

pub use error::FilterError;
pub use expression::Filter;
pub use schema::Field;
