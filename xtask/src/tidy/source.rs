use anyhow::{Context, Result};
use std::path::Path;

/// A Rust file as the rules look at it.
pub struct SourceFile {
    /// From the root of the checkout, with `/`.
    pub path: String,
    pub text: String,
    /// The text with comments, literals and test code blanked; lines stay where they were.
    pub code: String,
}

impl SourceFile {
    pub fn read(root: &Path, path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let shown = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        Ok(Self::new(&shown, &text))
    }

    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: without_tests(&code_only(text)) }
    }
}

impl SourceFile {
    /// A module that is built for tests only, by its name: `tests` or `fixtures`.
    pub fn is_test(&self) -> bool {
        let inside = self.path.split_once("/src/").map_or("", |(_, inside)| inside);
        inside.split('/').any(|part| matches!(part.trim_end_matches(".rs"), "tests" | "fixtures"))
    }
}

/// Blanks comments, strings and character literals, byte for byte.
pub fn code_only(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let literal = literal_length(rest, out.chars().next_back());
        let taken = literal.unwrap_or(first.len_utf8());
        let (head, tail) = rest.split_at(taken);
        if literal.is_some() {
            blank(head, &mut out);
        } else {
            out.push_str(head);
        }
        rest = tail;
    }
    out
}

fn blank(text: &str, out: &mut String) {
    out.extend(text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
}

/// How long the comment or literal is that begins here, if one does.
fn literal_length(rest: &str, before: Option<char>) -> Option<usize> {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        Some(rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        Some(block_comment_length(rest))
    } else if let Some(body) = rest.strip_prefix('"') {
        Some(1 + quoted_length(body, '"'))
    } else if !in_word && (rest.starts_with("r\"") || rest.starts_with("r#")) {
        raw_string_length(rest)
    } else if rest.starts_with('\'') {
        character_length(rest)
    } else {
        None
    }
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" if depth == 1 => return at + 2,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    rest.len()
}

/// Up to and with the closing quote.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `None` for a raw identifier such as `r#type`.
fn raw_string_length(rest: &str) -> Option<usize> {
    let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
    let body = rest[1 + hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close).map_or(body.len(), |at| at + close.len());
    Some(2 + hashes + end)
}

/// `None` for a lifetime.
fn character_length(rest: &str) -> Option<usize> {
    let body = &rest[1..];
    let first = body.chars().next()?;
    if first == '\\' {
        return Some(1 + quoted_length(body, '\''));
    }
    body[first.len_utf8()..].starts_with('\'').then(|| 2 + first.len_utf8())
}

/// Blanks every item under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        out.push_str(&rest[..at]);
        let end = at + MARK.len() + item_length(&rest[at + MARK.len()..]);
        blank(&rest[at..end], &mut out);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// To the semicolon, or to the brace that closes the first one opened.
fn item_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b';' if depth == 0 => return at + 1,
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_kept() {
        let text = "a // crate::x\nb /* c /* d */ e */ f \"g \\\" h\" r#\"i \" j\"# 'k' '\\'' &'l m";
        let code = code_only(text);
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words, ["a", "b", "f", "&'l", "m"]);
        assert_eq!(code.len(), text.len());
        assert_eq!(code.lines().count(), 2);
    }

    #[test]
    fn test_items_are_blanked_and_what_follows_stays() {
        let file = SourceFile::new(
            "x.rs",
            "fn a() {}\n#[cfg(test)]\nuse crate::http::X;\n#[cfg(test)]\nmod tests { fn t() { \"}\"; } }\nfn b() {}\n",
        );
        assert!(file.code.contains("fn a"));
        assert!(file.code.contains("fn b"));
        assert!(!file.code.contains("http"));
        assert!(!file.code.contains("fn t"));
    }

    #[test]
    fn a_module_for_tests_is_known_by_its_name() {
        let is_test = |path| SourceFile::new(path, "").is_test();
        assert!(is_test("mesh-agent/src/raft/tests/mod.rs"));
        assert!(is_test("mesh-agent/src/state/fixtures.rs"));
        assert!(!is_test("tests/src/agent.rs"));
    }

    #[test]
    fn a_raw_identifier_is_code() {
        assert_eq!(code_only("r#type x"), "r#type x");
    }
}
