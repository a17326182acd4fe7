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
pub struct Agent;

impl Peer for Agent {
    fn name(&self) -> &'static str {
        OURS
    }

    fn launch(&self, scene: &Scene, core: Option<usize>) -> Result<Running> {
        let (listen, middle) = (local(11010), local(11011));
        let upstream = json!({ "destination_name": "echo", "local_bind_port": listen.port() });
        let services = json!([
            { "name": "echo", "port": scene.app.port(),
              "connect": { "sidecar_service": { "port": middle.port() } } },
            { "name": "client", "port": 9001,
              "connect": { "sidecar_service": { "port": 11012, "proxy": { "upstreams": [upstream] } } } },
        ]);
        let file = write(scene, "mesh.json", &json!({ "services": services }).to_string())?;
        let mut command = scene.namespace.command(shell::target().join("release/mesh"), core);
        command.args(["agent", "-dev", "-log-level=warn", "-config-file", &text(&file)]);
        let running = Running::new(listen, vec![scene.namespace.spawn(scene, "mesh", command)?]);
        Ok(Running { api: Some(local(8500)), ..running })
    }
}
