use super::local;
use crate::bench::Scene;
use crate::bench::peer::{Peer, Running, text, write};
use anyhow::Result;
use std::net::SocketAddr;

/// Two haproxy processes with mutual TLS 1.3 between them, without resumption.
pub struct Haproxy;

impl Peer for Haproxy {
    fn name(&self) -> &'static str {
        "haproxy"
    }

    fn launch(&self, scene: &Scene, core: Option<usize>) -> Result<Running> {
        let (listen, middle) = (local(11020), local(11021));
        let certificates = text(&scene.directory);
        let towards_peer = format!(
            "ssl verify required verifyhost echo ca-file {certificates}/ca.pem crt {certificates}/client.pem no-ssl-reuse"
        );
        let from_peer =
            format!("ssl crt {certificates}/echo.pem ca-file {certificates}/ca.pem verify required");
        let mut processes = vec![];
        for (label, configuration) in [
            ("haproxy-server", configuration(middle, &from_peer, scene.app, "")),
            ("haproxy-client", configuration(listen, "", middle, &towards_peer)),
        ] {
            let file = write(scene, &format!("{label}.cfg"), &configuration)?;
            let mut command = scene.namespace.command("haproxy", core);
            command.args(["-db", "-f", &text(&file)]);
            processes.push(scene.namespace.spawn(scene, label, command)?);
        }
        Ok(Running::new(listen, processes))
    }
}

fn configuration(listen: SocketAddr, accept: &str, next: SocketAddr, dial: &str) -> String {
    format!(
        "global
    nbthread 2
    maxconn 4000
    tune.ssl.cachesize 0
    ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
    ssl-default-server-options ssl-min-ver TLSv1.3
    ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen mesh
    bind {listen} {accept}
    server next {next} {dial}
"
    )
}
