//! Tests that cannot run here.

use std::fs::OpenOptions;
use std::io::Write;

/// Says loudly that a test was not run and why: on standard error past libtest's capture, and in the list
/// that `cargo xtask test` prints at its end.
pub fn skip(test: &str, reason: &str) {
    // One line, whatever a program has said.
    let line = format!("SKIPPED: {test}: {}\n", reason.trim().replace('\n', " "));
    let _ = std::io::stderr().write_all(line.as_bytes());
    let Some(path) = std::env::var_os("MESH_SKIP_LOG") else { return };
    if let Ok(mut log) = OpenOptions::new().append(true).create(true).open(path) {
        let _ = log.write_all(line.as_bytes());
    }
}
