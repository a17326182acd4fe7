use super::Processes;
use super::cluster::{Cluster, ask};
use super::software::Software;
use crate::bench::Scene;
use crate::bench::peer::run_tool;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// A cluster with what the measurements expect to find in it.
pub struct Fixture {
    pub cluster: Cluster,
    /// Where the path from service `client` to service `echo` begins.
    pub path: SocketAddr,
    /// What a proxy asks when a client connects.
    pub authorize: String,
    _proxies: Processes,
}

/// How long proxies may take to get their certificates.
const PATIENCE: Duration = Duration::from_secs(40);

impl Fixture {
    /// Nothing but what every server has.
    ///
    /// # Errors
    /// The cluster has no root certificate.
    pub fn bare(scene: &Scene, cluster: Cluster) -> Result<Self> {
        let path = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let roots = ask(scene, cluster.leader().http, "GET", "/v1/connect/ca/roots", "")?;
        let roots: Value = serde_json::from_str(&roots).context("reading the root certificates")?;
        let domain = roots["TrustDomain"].as_str().context("the roots have no trust domain")?;
        let uri = format!("spiffe://{domain}/ns/default/dc/dc1/svc/client");
        let authorize = json!({ "Target": "echo", "ClientCertSerial": "01:02:03", "ClientCertURI": uri });
        Ok(Self { cluster, path, authorize: authorize.to_string(), _proxies: Vec::new() })
    }

    /// Three instances of `web` on other nodes, `echo` and `client` on the leader with a sidecar each, and
    /// certificates as fast as they can be signed.
    ///
    /// # Errors
    /// A request is refused, or the path to `echo` does not come up.
    pub fn prepare(scene: &Scene, software: &Software, cluster: Cluster) -> Result<Self> {
        let mut fixture = Self::bare(scene, cluster)?;
        fixture.register_web(scene)?;
        fixture.lift_limit(scene)?;
        fixture.register_sidecars(scene, software)?;
        if software.proxies_apart() {
            for service in ["echo", "client"] {
                let mut command = scene.namespace.command(software.binary(), None);
                command.env("CONSUL_HTTP_ADDR", fixture.cluster.leader().http.to_string());
                command.args(["connect", "proxy", "-log-level=warn", &format!("-sidecar-for={service}")]);
                let label = format!("{}-proxy-{service}", software.name());
                fixture._proxies.push(scene.namespace.spawn(scene, &label, command)?);
            }
        }
        fixture.wait_for_path(scene)?;
        Ok(fixture)
    }

    fn ask(&self, scene: &Scene, method: &str, path: &str, body: &Value) -> Result<String> {
        ask(scene, self.cluster.leader().http, method, path, &body.to_string())
    }

    fn register_web(&self, scene: &Scene) -> Result<()> {
        for number in 1..=3 {
            let address = format!("10.50.0.{number}");
            let service =
                json!({ "ID": format!("web-{number}"), "Service": "web", "Port": 8080, "Address": address });
            let node = json!({ "Node": format!("bench-{number}"), "Address": address, "Service": service });
            self.ask(scene, "PUT", "/v1/catalog/register", &node)?;
        }
        Ok(())
    }

    /// Servers sign a bounded number of certificates per second unless they are told otherwise.
    fn lift_limit(&self, scene: &Scene) -> Result<()> {
        let path = "/v1/connect/ca/configuration";
        let configuration = ask(scene, self.cluster.leader().http, "GET", path, "")?;
        let mut configuration: Value =
            serde_json::from_str(&configuration).context("reading the CA's configuration")?;
        configuration["Config"]["CSRMaxPerSecond"] = 0.into();
        self.ask(scene, "PUT", path, &configuration).map(drop)
    }

    fn register_sidecars(&mut self, scene: &Scene, software: &Software) -> Result<()> {
        let first = software.sidecar_port();
        self.path = SocketAddr::from((Ipv4Addr::LOCALHOST, first));
        let upstream = json!({ "DestinationName": "echo", "LocalBindPort": first });
        let services = [
            json!({ "Name": "echo", "Port": scene.app.port(),
                "Connect": { "SidecarService": { "Port": first + 1 } } }),
            json!({ "Name": "client", "Port": 9001, "Connect": { "SidecarService": {
                "Port": first + 2, "Proxy": { "Upstreams": [upstream] } } } }),
        ];
        services
            .iter()
            .try_for_each(|service| self.ask(scene, "PUT", "/v1/agent/service/register", service).map(drop))
    }

    fn wait_for_path(&self, scene: &Scene) -> Result<()> {
        let begun = Instant::now();
        loop {
            let mut command = scene.namespace.command(&scene.tool, None);
            command.args(["load", "connect", "--clients", "1", "--secs", "0.05"]);
            command.args(["--addr", &self.path.to_string()]);
            if run_tool(command).is_ok_and(|found| found["failed"] == 0) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!("{} does not lead to `echo`: see the logs in {}", self.path, scene.directory.display());
            }
        }
    }
}
