use super::json::MAX_DEPTH;
use super::{DecodeError, Problem};
use serde_json::Value;

/// Reads HCL text into the same shape that JSON has: a block becomes an object under its name, a
/// repeated block a list of objects. Only literal values: expressions are refused.
///
/// # Errors
/// The text is not such HCL, or nests too deeply; the message names line and column.
pub fn parse_hcl(text: &str) -> Result<Value, DecodeError> {
    let value: Value = hcl::from_str(text).map_err(|error| DecodeError::syntax("HCL", error))?;
    if deeper_than(&value, MAX_DEPTH) {
        let reason = format!("it nests deeper than {MAX_DEPTH} levels");
        return Err(DecodeError::syntax("HCL", reason));
    }
    literal(&value).map(|()| value)
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    let too_deep = |inner: &Value| levels == 0 || deeper_than(inner, levels - 1);
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(too_deep),
        Value::Object(map) => levels == 0 || map.values().any(too_deep),
        _ => false,
    }
}

/// The HCL reader leaves what it cannot evaluate as `${…}` in a text. Nobody means that here.
fn literal(value: &Value) -> Result<(), DecodeError> {
    match value {
        Value::String(text) if text.starts_with("${") && text.ends_with('}') => Err(expression(text)),
        Value::Array(items) => items.iter().try_for_each(literal),
        Value::Object(map) => map.values().try_for_each(literal),
        _ => Ok(()),
    }
}

fn expression(text: &str) -> DecodeError {
    let found: String = text.chars().take(64).collect();
    let wanted = "a literal value; quote texts".to_owned();
    DecodeError {
        path: String::new(),
        problem: Problem::Type { found: format!("the expression {found}"), wanted },
    }
}
