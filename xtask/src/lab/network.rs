use super::node::Node;
use crate::shell;
use anyhow::{Context, Result, bail};
use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where this host is on the machines' network.
const HOST: &str = "10.78.0.1";

/// What the machines know this host by, on whatever bridge they are.
const HARDWARE: &str = "52:54:00:4e:00:01";

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
        if self.place().exists() {
            return Ok(());
        }
        shell::must(shell::command("ip", &["netns", "add", &self.name]))?;
        self.ip(&["link", "set", "lo", "up"])?;
        self.bridge("lan")?;
        self.ip(&["addr", "add", &format!("{HOST}/24"), "dev", "lan"])
    }

    fn bridge(&self, name: &str) -> Result<()> {
        self.ip(&["link", "add", name, "address", HARDWARE, "type", "bridge"])?;
        self.ip(&["link", "set", name, "up"])
    }

    /// Where `ip netns` keeps it.
    fn place(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    /// This thread, and whatever it starts, is on the machines' network from then on.
    pub fn enter(&self) -> Result<()> {
        let place = self.place();
        let file =
            File::open(&place).with_context(|| format!("opening {}: does the lab run?", place.display()))?;
        setns(&file, CloneFlags::CLONE_NEWNET).with_context(|| format!("entering {}", place.display()))
    }

    /// The machine's end of its cable, on the bridge.
    pub fn plug(&self, node: &Node) -> Result<()> {
        let tap = node.tap();
        if !self.has(&tap) {
            self.ip(&["tuntap", "add", &tap, "mode", "tap"])?;
        }
        self.join(node)
    }

    /// The machine hears the others, and they it.
    pub fn join(&self, node: &Node) -> Result<()> {
        self.ip(&["link", "set", &node.tap(), "master", "lan", "up"])?;
        let alone = node.bridge();
        if self.has(&alone) { self.ip(&["link", "del", &alone]) } else { Ok(()) }
    }

    /// Only this host hears the machine: it goes to a bridge where nobody else is, and notices nothing but silence.
    pub fn part(&self, node: &Node) -> Result<()> {
        let alone = node.bridge();
        if !self.has(&alone) {
            self.bridge(&alone)?;
        }
        self.ip(&["route", "replace", &format!("{}/32", node.address), "dev", &alone, "src", HOST])?;
        self.ip(&["link", "set", &node.tap(), "master", &alone])
    }

    fn has(&self, link: &str) -> bool {
        shell::succeeds(shell::command("ip", &["-n", &self.name, "link", "show", link]))
    }

    pub fn remove(&self) -> Result<()> {
        if !self.place().exists() {
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
