use crate::bench::Scene;
use crate::bench::figures::OURS;
use crate::bench::peer::text;
use crate::shell;
use anyhow::Result;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is measured.
pub enum Software {
    Mesh,
    /// With the path of its binary.
    Consul(PathBuf),
}

/// The other software's column.
pub const CONSUL: &str = "consul";

/// Of the cluster that is measured; any 32 bytes will do.
const SECRET: &str = "bWVzaCBiZW5jaCBjb250cm9sIDMyIGJ5dGVzIC4uLi4=";

/// What both are told, beside where they are: connections without a limit that a benchmark would meet.
fn configuration() -> String {
    json!({ "connect": { "enabled": true }, "limits": { "http_max_conns_per_client": 16_000 } }).to_string()
}

impl Software {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mesh => OURS,
            Self::Consul(_) => CONSUL,
        }
    }

    pub fn binary(&self) -> PathBuf {
        match self {
            Self::Mesh => shell::target().join("release/mesh"),
            Self::Consul(binary) => binary.clone(),
        }
    }

    /// The address of its server of this number, from 1 on.
    pub fn address(&self, server: u8) -> Ipv4Addr {
        match self {
            Self::Mesh => Ipv4Addr::new(127, 0, 0, 30 + server),
            Self::Consul(_) => Ipv4Addr::new(127, 0, 0, 20 + server),
        }
    }

    /// The first of three ports for its sidecars.
    pub fn sidecar_port(&self) -> u16 {
        match self {
            Self::Mesh => 11010,
            Self::Consul(_) => 11040,
        }
    }

    /// Whether its proxies are processes of their own.
    pub fn proxies_apart(&self) -> bool {
        matches!(self, Self::Consul(_))
    }

    /// One server of several, durable in `data`, or, where it is the only one, for development.
    pub fn server(&self, scene: &Scene, number: u8, servers: u8, data: &Path) -> Result<Command> {
        let mut command = scene.namespace.command(self.binary(), None);
        let address = self.address(number);
        // A file of its own: another server may be reading its one.
        let name = format!("{}-{number}.json", self.name());
        let file = crate::bench::peer::write(scene, &name, &configuration())?;
        command.args(["agent", "-log-level=warn", &format!("-node={}-{number}", self.name())]);
        command.args([format!("-bind={address}"), format!("-client={address}")]);
        command.arg(format!("-config-file={}", text(&file)));
        if servers == 1 {
            command.arg("-dev");
            return Ok(command);
        }
        command.args(["-server", &format!("-bootstrap-expect={servers}")]);
        command.arg(format!("-data-dir={}", text(data)));
        command.args((1..=servers).map(|other| format!("-retry-join={}", self.address(other))));
        if matches!(self, Self::Mesh) {
            command.arg(format!("-encrypt={SECRET}"));
        }
        Ok(command)
    }

    pub fn http(&self, server: u8) -> SocketAddr {
        SocketAddr::from((self.address(server), 8500))
    }
}
