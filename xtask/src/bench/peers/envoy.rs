use super::local;
use crate::bench::Scene;
use crate::bench::peer::{Peer, Running, text, write};
use anyhow::Result;
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;

const TYPES: &str = "type.googleapis.com/envoy.extensions";

/// Two Envoy processes with mutual TLS 1.3 between them, without resumption.
pub struct Envoy(pub PathBuf);

impl Peer for Envoy {
    fn name(&self) -> &'static str {
        "envoy"
    }

    fn launch(&self, scene: &Scene, core: Option<usize>) -> Result<Running> {
        let (listen, middle) = (local(11030), local(11031));
        let dial = json!({ "@type": format!("{TYPES}.transport_sockets.tls.v3.UpstreamTlsContext"),
            "common_tls_context": tls(scene, "client"), "max_session_keys": 0 });
        let accept = json!({ "@type": format!("{TYPES}.transport_sockets.tls.v3.DownstreamTlsContext"),
            "common_tls_context": tls(scene, "echo"), "require_client_certificate": true,
            "disable_stateless_session_resumption": true, "disable_stateful_session_resumption": true });
        let mut processes = vec![];
        for (label, configuration) in [
            ("envoy-server", configuration(middle, Some(accept), scene.app, None)),
            ("envoy-client", configuration(listen, None, middle, Some(dial))),
        ] {
            let file = write(scene, &format!("{label}.json"), &configuration.to_string())?;
            let mut command = scene.namespace.command(&self.0, core);
            command.args(["-c", &text(&file), "--concurrency", "2", "--disable-hot-restart", "-l", "warn"]);
            processes.push(scene.namespace.spawn(scene, label, command)?);
        }
        Ok(Running::new(listen, processes))
    }
}

fn tls(scene: &Scene, who: &str) -> Value {
    let file = |name: String| json!({ "filename": text(&scene.directory.join(name)) });
    json!({
        "tls_params": { "tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3",
                        "ecdh_curves": ["X25519"] },
        "tls_certificates": [{ "certificate_chain": file(format!("{who}.crt")),
                               "private_key": file(format!("{who}.key")) }],
        "validation_context": { "trusted_ca": file("ca.pem".to_owned()) },
    })
}

fn configuration(listen: SocketAddr, accept: Option<Value>, next: SocketAddr, dial: Option<Value>) -> Value {
    let proxy = json!({ "@type": format!("{TYPES}.filters.network.tcp_proxy.v3.TcpProxy"),
        "stat_prefix": "mesh", "cluster": "next", "idle_timeout": "3600s" });
    let mut chain = json!({ "filters": [{ "name": "tcp_proxy", "typed_config": proxy }] });
    let endpoint = json!({ "endpoint": { "address": address(next) } });
    let mut cluster = json!({ "name": "next", "type": "STATIC", "connect_timeout": "5s",
        "circuit_breakers": { "thresholds": [{ "max_connections": 100_000, "max_pending_requests": 100_000 }] },
        "load_assignment": { "cluster_name": "next", "endpoints": [{ "lb_endpoints": [endpoint] }] } });
    secure(chain.as_object_mut(), accept);
    secure(cluster.as_object_mut(), dial);
    let listener = json!({ "name": "mesh", "address": address(listen), "filter_chains": [chain] });
    json!({ "static_resources": { "listeners": [listener], "clusters": [cluster] } })
}

fn address(of: SocketAddr) -> Value {
    json!({ "socket_address": { "address": of.ip().to_string(), "port_value": of.port() } })
}

fn secure(part: Option<&mut Map<String, Value>>, context: Option<Value>) {
    if let (Some(part), Some(context)) = (part, context) {
        part.insert("transport_socket".to_owned(), json!({ "name": "tls", "typed_config": context }));
    }
}
