//! `cargo xtask simulate`.

use crate::shell;
use anyhow::Result;

/// The simulations that would take minutes without optimisation, one after the other; they print what they measure.
pub fn run() -> Result<()> {
    const TESTS: [&str; 4] = ["--ignored", "--nocapture", "--test-threads=1", "simulation::"];
    let mut tests = shell::cargo(&["test", "--release", "--workspace", "--lib", "--"]);
    tests.args(TESTS);
    shell::must(tests)
}
