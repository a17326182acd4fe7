//! HCL of the first version, which Consul reads: keys may be quoted, blocks may have labels and repeat,
//! and there are no expressions.

mod lexer;
mod parser;

use super::{DecodeError, parse_json};
use parser::Parser;
use serde_json::Value;

/// Reads HCL text into the same shape that JSON has: a block becomes an object under its name, a label
/// an object in it, and a repeated block a list of objects. Text that is JSON is read as JSON.
///
/// # Errors
/// The text is not such HCL, gives a key twice, or nests deeper than [`super::MAX_DEPTH`]; the message
/// names line and column.
pub fn parse_hcl(text: &str) -> Result<Value, DecodeError> {
    if text.trim_start().starts_with('{') {
        return parse_json(text.as_bytes());
    }
    let parsed = Parser::new(text).and_then(Parser::document);
    parsed.map(Value::Object).map_err(|error| DecodeError::syntax("HCL", error))
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at line {line} column {column}")]
struct SyntaxError {
    reason: String,
    line: usize,
    column: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_becomes_the_value_that_json_would_spell() {
        let table = [
            ("", json!({})),
            ("a = 1 b = -2.5 c = 0x1F d = 1e3", json!({"a": 1, "b": -2.5, "c": 31, "d": 1000.0})),
            ("a = true, \"b-c\" = false", json!({"a": true, "b-c": false})),
            ("a { b = \"x\" c = [] }", json!({"a": {"b": "x", "c": []}})),
            ("a = { b = 1, \"*\" = 2 }", json!({"a": {"b": 1, "*": 2}})),
            ("a {}\na { b = 1 }\na {}", json!({"a": [{}, {"b": 1}, {}]})),
            ("key \"k/\" { policy = \"read\" }", json!({"key": {"k/": {"policy": "read"}}})),
            ("key \"a\" {}\nkey \"b\" {}", json!({"key": [{"a": {}}, {"b": {}}]})),
            ("a = [1, \"x\", [true], {b = 1},]", json!({"a": [1, "x", [true], {"b": 1}]})),
            ("# one\n// two\n/* three\n */ a = 1 # end", json!({"a": 1})),
            (r#"a = "q\"\\\n\t\u00e9""#, json!({"a": "q\"\\\n\té"})),
            (r#"a = "${env("x")} $y {{ z }}""#, json!({"a": "${env(\"x\")} $y {{ z }}"})),
            ("a = <<EOF\n one\ntwo\nEOF\nb = 1", json!({"a": " one\ntwo\n", "b": 1})),
            ("a = <<-EOF\n    one\n      two\n    EOF\n", json!({"a": "one\n  two\n"})),
            ("{\"a\": {\"b\": [1]}}", json!({"a": {"b": [1]}})),
            ("a.b-c_d = 1", json!({"a.b-c_d": 1})),
        ];
        for (text, wanted) in table {
            assert_eq!(parse_hcl(text).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn mistakes_have_a_line_and_a_column() {
        let table = [
            ("a = ", "the text ends where a value should stand at line 1 column 5"),
            ("a\n= foo", "found the word foo, want a value (quote texts) at line 2 column 3"),
            ("a = 1\na = 2", "the key \"a\" stands twice at line 2 column 1"),
            ("a = 1\na {}", "the key \"a\" stands twice"),
            ("a {", "the text ends where a key or '}' should stand"),
            ("a = [1", "the text ends where"),
            ("a = [1 2]", "found the number 2, want ',' or ']'"),
            ("a \"b\" = 1", "a key with a label needs a block"),
            ("a = \"x", "the text is not closed at line 1 column 5"),
            ("a = \"x\ny\"", "the text is not closed at line 1 column 5"),
            ("a = \"\\q\"", "\\q is not an escape"),
            ("a = \"\\ud800\"", "is not a character"),
            ("a = <<EOF\nx", "no line ends the text that <<EOF begins"),
            ("a = 012", "012 is not a number"),
            ("a = 1.2.3", "1.2.3 is not a number"),
            ("a = 1e999", "1e999 is not a number"),
            ("}", "found '}', want a key"),
            ("a = upper(\"x\")", "found the word upper"),
            ("a ! 1", "'!' cannot stand here"),
            ("/* a", "the comment is not closed"),
        ];
        for (text, wanted) in table {
            let error = parse_hcl(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }

    #[test]
    fn bottomless_text_is_refused_soon() {
        for piece in ["a {", "a = [", "a = {", "[", "a \"b\" \"c\" {"] {
            let error = parse_hcl(&format!("x = 1\n{}", piece.repeat(50_000))).unwrap_err().to_string();
            assert!(error.len() < 200, "{error}");
        }
        let labels = format!("a {} {{}}", "\"b\" ".repeat(50_000));
        assert!(parse_hcl(&labels).unwrap_err().to_string().contains("deeper"));
    }
}
