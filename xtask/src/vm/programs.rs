use crate::shell;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Test programs that a machine can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Program {
    /// The kernel programs on the kernel itself
    Kernel,
    /// The proxy's own tests, with the kernel's TLS where it has it
    Proxy,
    /// Our proxy with the kernel's TLS, and Consul's own in the other role
    Peers,
    /// What drives the built binary from outside; tests whose tools a machine lacks are skipped there
    E2e,
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Proxy => "proxy",
            Self::Peers => "peers",
            Self::E2e => "e2e",
        }
    }

    /// What cargo is to build, its name and its kind.
    fn target(self) -> (&'static [&'static str], &'static str, &'static str) {
        match self {
            Self::Kernel => (&["--test", "kernel"], "kernel", "test"),
            Self::Proxy => (&["--lib"], "mesh_agent", "lib"),
            Self::Peers | Self::E2e => (&["--test", "e2e"], "e2e", "test"),
        }
    }

    /// What it is told besides what the user says.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            // Those that carry bytes; an emulated machine is too slow for deadlines of a second.
            Self::Proxy => &[
                "proxy::ktls",
                "proxy::tests::bytes",
                "proxy::tests::kernel_tls",
                "proxy::tests::openssl",
                "proxy::tests::streams",
            ],
            Self::Peers => &["over_the_kernels_tls"],
            // They have cargo build what they load, which no machine has.
            Self::Kernel => &["--skip", "records::"],
            Self::E2e => &[],
        }
    }
}

/// The built test programs by name, and the binary under test where one of them drives it.
pub struct Built {
    pub tests: Vec<(Program, PathBuf)>,
    pub mesh: Option<PathBuf>,
}

/// Builds the test programs and, unless one is given, the binary, as `cargo test` would.
pub fn build(programs: &[Program], binary: Option<&Path>) -> Result<Built> {
    let mut arguments = vec!["test", "--workspace", "--no-run", "--message-format=json"];
    for program in programs {
        arguments.extend(program.target().0);
    }
    let mut cargo = shell::cargo(&arguments);
    let output = cargo.stderr(Stdio::inherit()).output().context("starting cargo")?;
    if !output.status.success() {
        bail!("the tests cannot be built");
    }
    let wanted = programs.iter().any(|program| *program != Program::Proxy);
    let mesh = if wanted { Some(mesh(binary)?) } else { None };
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let find = |program: &Program| {
        let (_, name, kind) = program.target();
        let path = executable(&messages, name, kind);
        path.map(|path| (*program, path))
            .with_context(|| format!("cargo names no test program {}", program.name()))
    };
    let tests = programs.iter().map(find).collect::<Result<_>>()?;
    Ok(Built { tests, mesh })
}

fn mesh(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        return Ok(given.to_path_buf());
    }
    shell::must(shell::cargo(&["build", "--workspace", "--bin", "mesh"]))?;
    Ok(shell::target().join("debug/mesh"))
}

/// The path in cargo's message about the tests of that name and kind.
fn executable(messages: &str, name: &str, kind: &str) -> Option<PathBuf> {
    let values = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut named =
        values.filter(|value| value["target"]["name"] == name && value["target"]["kind"][0] == kind);
    named.find_map(|value| value["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_what_cargo_says() {
        let messages = r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"kernel"},"executable":null}
{"reason":"compiler-artifact","target":{"kind":["test"],"name":"kernel"},"executable":"/t/kernel-1"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "kernel", "test"), Some("/t/kernel-1".into()));
        assert_eq!(executable(messages, "e2e", "test"), None);
    }
}
