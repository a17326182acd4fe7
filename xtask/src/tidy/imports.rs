//! Which rooms a file names, by whatever path.

use super::source::SourceFile;

/// A path that leads from the root of the crate into a room.
#[derive(Debug, PartialEq)]
pub struct Import {
    /// Counted from 1.
    pub line: usize,
    pub room: String,
}

/// Every room that the file's code names with `crate::` or by climbing with `super::`.
///
/// `module` is the path of the file's own module, such as `["raft", "log"]`.
pub fn imports(file: &SourceFile, module: &[&str]) -> Vec<Import> {
    let mut found = Vec::new();
    for (at, word) in words(&file.code) {
        let rest = &file.code[at + word.len()..];
        let Some(after) = rest.trim_start().strip_prefix("::") else { continue };
        let heads = match word {
            "crate" => heads(after),
            "super" if !continues_a_path(&file.code[..at]) => climbed(after, module),
            _ => continue,
        };
        let line = file.code[..at].matches('\n').count() + 1;
        found.extend(heads.into_iter().map(|room| Import { line, room }));
    }
    found
}

fn continues_a_path(before: &str) -> bool {
    before.trim_end().ends_with("::")
}

/// What `super::…` names if it climbs to the root of the crate.
fn climbed(after_first: &str, module: &[&str]) -> Vec<String> {
    let mut climbed = 1;
    let mut rest = after_first.trim_start();
    while let Some(next) = rest.strip_prefix("super").and_then(|r| r.trim_start().strip_prefix("::")) {
        climbed += 1;
        rest = next.trim_start();
    }
    if climbed >= module.len() { heads(rest) } else { Vec::new() }
}

/// The first words of a path or of a group of paths: `a::b` and `{a::b, c}`.
fn heads(after: &str) -> Vec<String> {
    let after = after.trim_start();
    match after.strip_prefix('{') {
        None => first_word(after).map(str::to_owned).into_iter().collect(),
        Some(group) => top_level_parts(group).into_iter().filter_map(first_word).map(str::to_owned).collect(),
    }
}

/// The comma-separated parts of a group, up to the brace that closes it.
fn top_level_parts(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                parts.push(&group[start..at]);
                return parts;
            }
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts
}

fn first_word(text: &str) -> Option<&str> {
    words(text).next().map(|(_, word)| word)
}

/// Words with the byte at which each begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let between = |c: char| !(c.is_alphanumeric() || c == '_');
    let mut next = 0;
    text.split_inclusive(between).filter_map(move |piece| {
        let at = next;
        next += piece.len();
        let word = piece.trim_end_matches(between);
        (!word.is_empty()).then_some((at, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms(module: &[&str], code: &str) -> Vec<String> {
        imports(&SourceFile::new("x.rs", code), module).into_iter().map(|import| import.room).collect()
    }

    #[test]
    fn every_spelling_of_a_path_from_the_root_is_seen() {
        let cases: [(&str, &[&str]); 8] = [
            ("use crate::state::Store;", &["state"]),
            ("use crate::{acl::{A, B}, model, pki as p};", &["acl", "model", "pki"]),
            ("use crate :: {\n stream::X,\n};", &["stream"]),
            ("fn f() -> crate::http::Y { crate::dns::z() }", &["http", "dns"]),
            ("use super::super::raft::Log;", &["raft"]),
            ("use super::super::{raft, leaf::X};", &["raft", "leaf"]),
            ("pub(crate) fn f() {} // use crate::cli::X", &[]),
            ("use super::apply; use self::x; mod y; \"crate::cli\"", &[]),
        ];
        for (code, expected) in cases {
            assert_eq!(rooms(&["state", "apply"], code), expected, "{code}");
        }
    }

    #[test]
    fn climbing_out_of_a_room_page_takes_one_step() {
        assert_eq!(rooms(&["state"], "use super::raft::X;"), ["raft"]);
    }

    #[test]
    fn an_import_knows_its_line() {
        let file = SourceFile::new("x.rs", "//! page\n\nuse crate::model::X;\n");
        assert_eq!(imports(&file, &["a"]), [Import { line: 3, room: "model".to_owned() }]);
    }
}
