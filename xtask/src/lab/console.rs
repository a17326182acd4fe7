use super::network::Network;
use super::node::Node;
use crate::vm::packages;
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::process::{Output, Stdio};

/// Where a machine gives a shell to whoever is on its network, and that is this host alone.
const PORT: &str = "2323";

/// What a command's output ends with.
const STATUS: &str = "mesh-lab-status";

/// A shell on a terminal, until it is left.
pub fn open(network: &Network, node: &Node) -> Result<()> {
    let busybox = packages::busybox()?;
    let address = node.address.to_string();
    let mut telnet = network.inside(&busybox.to_string_lossy(), &["telnet", &address]);
    let status = telnet.status().context("starting telnet")?;
    if !status.success() {
        bail!("{} does not answer: {status}; `cargo xtask lab status` tells more", node.name);
    }
    Ok(())
}

/// Runs a command in the machine's shell; its output and its exit status.
pub fn run(network: &Network, node: &Node, command: &str) -> Result<(String, i32)> {
    let busybox = packages::busybox()?;
    let mut netcat =
        network.inside(&busybox.to_string_lossy(), &["nc", "-w", "300", &node.address.to_string(), PORT]);
    netcat.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = netcat.spawn().context("starting nc")?;
    let mut input = child.stdin.take().expect("it is piped");
    let said = writeln!(input, "{{ {command}\n}} 2>&1; echo \"{STATUS} $?\"; exit");
    let output = child.wait_with_output().context("waiting for nc")?;
    drop(input); // It ends when the shell has ended.
    said.with_context(|| format!("{} does not answer", node.name))?;
    parse(node, &output)
}

fn parse(node: &Node, output: &Output) -> Result<(String, i32)> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.rsplit_once(STATUS).and_then(|(said, status)| Some((said, status.trim().parse().ok()?)));
    let Some((said, status)) = found else {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{} did not carry the command out: {}{}", node.name, text, why.trim());
    };
    Ok((said.to_owned(), status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn only_a_command_that_came_to_its_end_has_a_status() {
        let node = Node { name: "n".into(), address: [10, 78, 0, 9].into(), line: String::new() };
        let output = |text: &str| Output {
            status: ExitStatusExt::from_raw(0),
            stdout: text.as_bytes().to_vec(),
            stderr: Vec::new(),
        };
        assert_eq!(parse(&node, &output("hello\nmesh-lab-status 3\n")).unwrap(), ("hello\n".to_owned(), 3));
        assert!(parse(&node, &output("hello\n")).is_err());
        assert!(parse(&node, &output("")).is_err());
    }
}
