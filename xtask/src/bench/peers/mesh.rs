use super::local;
use crate::bench::Scene;
use crate::bench::figures::OURS;
use crate::bench::peer::{Peer, Running, text, write};
use crate::shell;
use anyhow::Result;
use serde_json::json;

/// Both proxies in one process, with nothing around them.
pub struct Bare;

impl Peer for Bare {
    fn name(&self) -> &'static str {
        OURS
    }

    fn launch(&self, scene: &Scene, core: Option<usize>) -> Result<Running> {
        let (listen, middle) = (local(11010), local(11011));
        let mut command = scene.namespace.command(shell::target().join("release/examples/proxy_pair"), core);
        command.args([listen, middle, scene.app].map(|address| address.to_string()));
        Ok(Running::new(listen, vec![scene.namespace.spawn(scene, "mesh", command)?]))
    }
}

/// The agent in development mode, with two services and their sidecars.
pub struct Agent {
    name: &'static str,
    ktls: &'static str,
    /// Where its ports begin.
    ports: u16,
}

/// It encrypts itself.
pub const OWN_TLS: Agent = Agent { name: OURS, ktls: "off", ports: 11010 };
/// The kernel encrypts for it.
pub const KERNEL_TLS: Agent = Agent { name: "mesh, kTLS", ktls: "on", ports: 11110 };

impl Peer for Agent {
    fn name(&self) -> &'static str {
        self.name
    }

    fn launch(&self, scene: &Scene, core: Option<usize>) -> Result<Running> {
        let port = |offset: u16| self.ports + offset;
        let (listen, middle) = (local(port(0)), local(port(1)));
        let upstream = json!({ "destination_name": "echo", "local_bind_port": listen.port() });
        let services = json!([
            { "name": "echo", "port": scene.app.port(),
              "connect": { "sidecar_service": { "port": middle.port() } } },
            { "name": "client", "port": 9001,
              "connect": { "sidecar_service": { "port": port(2), "proxy": { "upstreams": [upstream] } } } },
        ]);
        let ports =
            json!({ "http": port(3), "dns": port(4), "server": port(5), "serf_lan": port(6), "grpc": -1 });
        let config = json!({ "services": services, "ports": ports, "dataplane_ktls": self.ktls });
        let file = write(scene, &format!("mesh-{}.json", self.ktls), &config.to_string())?;
        let mut command = scene.namespace.command(shell::target().join("release/mesh"), core);
        command.args(["agent", "-dev", "-log-level=warn", "-config-file", &text(&file)]);
        let running = Running::new(listen, vec![scene.namespace.spawn(scene, self.name, command)?]);
        Ok(Running { api: Some(local(port(3))), ..running })
    }
}
