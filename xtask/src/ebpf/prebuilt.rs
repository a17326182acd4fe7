use crate::shell;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

/// The object in the tree, and what it was made of and with.
pub struct Prebuilt {
    pub object: Vec<u8>,
    pub made: Made,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    /// The hash of the sources.
    pub sources: String,
    /// Compiler and linker.
    pub tools: String,
}

impl Prebuilt {
    pub fn read() -> Result<Self> {
        let object = fs::read(object()).with_context(|| format!("reading {}", object().display()))?;
        let text = fs::read_to_string(made()).with_context(|| format!("reading {}", made().display()))?;
        Ok(Self { object, made: Made::parse(&text) })
    }

    pub fn write(&self) -> Result<()> {
        fs::create_dir_all(directory()).context("making the folder of the prebuilt object")?;
        fs::write(object(), &self.object).with_context(|| format!("writing {}", object().display()))?;
        fs::write(made(), self.made.render()).with_context(|| format!("writing {}", made().display()))?;
        println!("{}: {} bytes", object().display(), self.object.len());
        Ok(())
    }
}

impl Made {
    fn parse(text: &str) -> Self {
        let field = |name: &str| {
            let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
            values.next().unwrap_or_default().trim().to_owned()
        };
        Self { sources: field("sources:"), tools: field("tools:") }
    }

    fn render(&self) -> String {
        format!("sources: {}\ntools: {}\n", self.sources, self.tools)
    }
}

fn directory() -> PathBuf {
    shell::root().join("mesh-ebpf/prebuilt")
}

fn object() -> PathBuf {
    directory().join("mesh.bpfel.o")
}

fn made() -> PathBuf {
    directory().join("mesh.bpfel.made")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_was_made_with_reads_back() {
        let made = Made { sources: "abc".to_owned(), tools: "rustc 1.96.0, bpf-linker 0.13.0".to_owned() };
        assert_eq!(Made::parse(&made.render()), made);
    }

    #[test]
    fn a_file_that_says_nothing_matches_no_sources() {
        assert_eq!(Made::parse("").sources, "");
    }
}
