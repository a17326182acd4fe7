use super::node::Node;
use crate::shell;
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

/// Where this host is on the machines' network.
const HOST: &str = "10.78.0.1/24";

/// A network namespace with a bridge, and a tap on it for each machine: nothing of it is seen outside.
pub struct Network {
    name: String,
}

impl Network {
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// Makes it, unless it is there.
    pub fn ensure(&self) -> Result<()> {
        if !shell::on_path("ip") {
            bail!("`ip` is not installed: apt-get install iproute2");
        }
        if self.exists() {
            return Ok(());
        }
        shell::must(shell::command("ip", &["netns", "add", &self.name]))?;
        for arguments in [
            &["link", "set", "lo", "up"][..],
            &["link", "add", "lan", "type", "bridge"],
            &["addr", "add", HOST, "dev", "lan"],
            &["link", "set", "lan", "up"],
        ] {
            self.ip(arguments)?;
        }
        Ok(())
    }

    pub fn exists(&self) -> bool {
        Path::new("/run/netns").join(&self.name).exists()
    }

    /// The machine's end on the bridge.
    pub fn plug(&self, node: &Node) -> Result<()> {
        let tap = node.tap();
        let shown = self.inside("ip", &["link", "show", &tap]);
        if shell::succeeds(shown) {
            return self.connect(node, true);
        }
        self.ip(&["tuntap", "add", &tap, "mode", "tap"])?;
        self.ip(&["link", "set", &tap, "master", "lan"])?;
        self.connect(node, true)
    }

    /// Whether the others hear the machine.
    pub fn connect(&self, node: &Node, on: bool) -> Result<()> {
        self.ip(&["link", "set", &node.tap(), if on { "up" } else { "down" }])
    }

    pub fn remove(&self) -> Result<()> {
        if !self.exists() {
            return Ok(());
        }
        shell::must(shell::command("ip", &["netns", "del", &self.name]))
    }

    /// A command in there; `ip netns exec` becomes the program, so that the child's id is the program's.
    pub fn inside(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = shell::command("ip", &["netns", "exec", &self.name, program]);
        command.args(arguments);
        command
    }

    fn ip(&self, arguments: &[&str]) -> Result<()> {
        let mut command = shell::command("ip", &["-n", &self.name]);
        command.args(arguments);
        shell::must(command)
    }
}
