use super::machine::{Machine, place};
use super::network::Network;
use super::node::Node;
use super::{Hardware, console, image, pause};
use crate::shell;
use crate::vm::{Kernel, Size, packages, qemu};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a machine may take to give a shell: five that are emulated start on as many processors as there are.
const PATIENCE: Duration = Duration::from_secs(300);

/// The machines of a cluster, and what they are made of.
pub struct Lab {
    pub network: Network,
    pub nodes: Vec<Node>,
    kernel: PathBuf,
    initramfs: PathBuf,
    size: Size,
    accelerator: &'static str,
}

impl Lab {
    /// Fetches the kernel and packs the image, unless machines run from it. These machines are the whole cluster; all
    /// of `vagrant/nodes` are if none is named.
    pub fn prepare(network: Network, names: &[String], hardware: &Hardware) -> Result<Self> {
        if matches!(hardware.kernel, Kernel::Uml | Kernel::All) {
            bail!("the lab's machines run one kernel under QEMU: found {}", hardware.kernel.name());
        }
        let nodes = Node::read(names)?;
        std::fs::create_dir_all(place()).context("making target/lab")?;
        let kernel = packages::kernel(hardware.kernel)?;
        let initramfs = place().join("machine.cpio");
        let accelerator = if qemu::kvm_is_usable() { "kvm" } else { "tcg" };
        let size = Size { cpus: 1, memory: hardware.memory };
        let lab = Self { network, nodes, kernel, initramfs, size, accelerator };
        if lab.running().is_empty() {
            image::pack(&lab.kernel, &lab.initramfs, &lab.nodes, hardware.binary.as_deref(), lab.is_slow())?;
        }
        Ok(lab)
    }

    /// Its machines are emulated: what they say of time is not what a machine would.
    pub fn is_slow(&self) -> bool {
        self.accelerator == "tcg"
    }

    pub fn running(&self) -> Vec<&Node> {
        self.nodes.iter().filter(|node| Machine { node }.pid().is_some()).collect()
    }

    /// Starts those that do not run, and waits until all of these carry out commands.
    pub fn up(&self, nodes: &[Node]) -> Result<()> {
        self.network.ensure()?;
        for node in nodes {
            self.network.plug(node)?;
            Machine { node }.start(
                &self.network,
                &self.kernel,
                &self.initramfs,
                &self.size,
                self.accelerator,
            )?;
        }
        nodes.iter().try_for_each(|node| self.wait_for(node))
    }

    fn wait_for(&self, node: &Node) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let machine = Machine { node };
        loop {
            if console::run(&self.network, node, "true").is_ok_and(|(_, status)| status == 0) {
                eprintln!("{} is up", node.name);
                return Ok(());
            }
            if machine.pid().is_none() || Instant::now() > deadline {
                bail!("{} does not come up; see {}", node.name, machine.console().display());
            }
            pause();
        }
    }

    /// What the last machine finds of the cluster.
    pub fn smoke(&self) -> Result<()> {
        shell::announce("smoke test");
        let last = self.nodes.last().context("vagrant/nodes has no node")?;
        let (said, status) = console::run(&self.network, last, "/opt/mesh/smoke.sh")?;
        print!("{said}");
        if status != 0 {
            bail!(
                "the smoke test failed on {}; see {}",
                last.name,
                Machine { node: last }.console().display()
            );
        }
        Ok(())
    }
}
