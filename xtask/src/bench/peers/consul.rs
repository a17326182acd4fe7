use super::local;
use crate::bench::Scene;
use crate::bench::peer::{Peer, Running, text, write};
use anyhow::Result;
use serde_json::json;
use std::path::PathBuf;

/// Consul's agent in development mode and its built-in proxy on both sides, each in its own process.
pub struct Consul(pub PathBuf);

impl Peer for Consul {
    fn name(&self) -> &'static str {
        "consul"
    }

    fn launch(&self, scene: &Scene, core: Option<usize>) -> Result<Running> {
        let (listen, middle) = (local(11040), local(11041));
        let upstream = json!({ "destination_name": "echo", "local_bind_port": listen.port() });
        let services = json!([
            { "name": "echo", "id": "echo", "port": scene.app.port(),
              "connect": { "sidecar_service": { "port": middle.port() } } },
            { "name": "client", "id": "client", "port": 9001,
              "connect": { "sidecar_service": { "port": 11042, "proxy": { "upstreams": [upstream] } } } },
        ]);
        let configuration = json!({ "connect": { "enabled": true }, "services": services });
        let file = write(scene, "consul.json", &configuration.to_string())?;
        let start = |label: &str, arguments: &[&str]| {
            let mut command = scene.namespace.command(&self.0, core);
            command.args(arguments);
            scene.namespace.spawn(scene, label, command)
        };
        let file = format!("-config-file={}", text(&file));
        // The proxies ask again until the agent answers.
        let processes = vec![
            start("consul-agent", &["agent", "-dev", "-log-level=warn", &file])?,
            start("consul-server", &["connect", "proxy", "-log-level=warn", "-sidecar-for=echo"])?,
            start("consul-client", &["connect", "proxy", "-log-level=warn", "-sidecar-for=client"])?,
        ];
        Ok(Running::new(listen, processes))
    }
}
