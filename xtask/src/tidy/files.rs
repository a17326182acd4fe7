//! Files are short, and rooms open with a page.

use super::source::SourceFile;

/// The most lines a file may have, its tests not counted.
const MOST_LINES: usize = 400;

pub fn check(file: &SourceFile) -> Vec<String> {
    [too_long(file), no_page(file)].into_iter().flatten().collect()
}

fn too_long(file: &SourceFile) -> Option<String> {
    let lines = lines_before_tests(&file.text);
    (lines > MOST_LINES).then(|| format!("{}: {lines} lines, want at most {MOST_LINES}: split it", file.path))
}

/// A file ends with its tests.
fn lines_before_tests(text: &str) -> usize {
    let starts_tests = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ");
    let lines: Vec<&str> = text.lines().collect();
    lines.windows(2).position(starts_tests).unwrap_or(lines.len())
}

fn no_page(file: &SourceFile) -> Option<String> {
    (opens_a_room(&file.path) && !file.text.starts_with("//!")).then(|| {
        format!(
            "{}: does not open with `//!`: one sentence on what it is, then what it does not know",
            file.path
        )
    })
}

/// `mesh-agent/src/raft/mod.rs` or a crate's `src/lib.rs`; the parts of a room need no page.
fn opens_a_room(path: &str) -> bool {
    let inside = path.split_once("src/").map_or("", |(_, inside)| inside);
    inside == "lib.rs" || (inside.ends_with("/mod.rs") && inside.matches('/').count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> usize {
        check(&SourceFile::new(path, text)).len()
    }

    #[test]
    fn a_long_file_is_refused_and_long_tests_are_not() {
        let long = "fn f() {}\n".repeat(MOST_LINES + 1);
        assert_eq!(complaints("a/b.rs", &long), 1);
        assert_eq!(complaints("a/b.rs", &format!("#[cfg(test)]\nmod tests {{\n{long}}}\n")), 0);
    }

    #[test]
    fn a_room_without_a_page_is_refused() {
        assert_eq!(complaints("a/src/room/mod.rs", "pub mod x;\n"), 1);
        assert_eq!(complaints("a/src/room/mod.rs", "//! What it is.\npub mod x;\n"), 0);
        assert_eq!(complaints("a/src/room/part/mod.rs", "pub mod x;\n"), 0);
    }
}
