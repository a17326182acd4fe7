//! What is on the wire between two proxies.

use mesh_tests::agent::{curl, wait_for_text};
use mesh_tests::capture::{Capture, begins_with_handshake, contains};
use mesh_tests::{DemoService, PortBlock, TestAgent, skip};
use serde_json::json;

const SECRET: &str = "a-secret-that-only-the-mesh-carries";

#[test]
fn two_proxies_speak_tls_and_no_plaintext() {
    let ports = PortBlock::claim();
    let (app, local) = (DemoService::start(ports.take(), SECRET), ports.take());
    let agent = TestAgent::with_config(json!({"services": [
        {"name": "world", "port": app.port(), "connect": {"proxy": {}}},
        {"name": "hello", "port": ports.take(), "connect": {"proxy": {"config": {
            "upstreams": [{"destination_name": "world", "local_bind_port": local}],
        }}}},
    ]}));
    wait_for_text(local, SECRET);
    let public = agent.get_json("/v1/agent/service/world-proxy")["Port"].as_u64().unwrap();
    let public = u16::try_from(public).unwrap();
    let (between, behind) = match (Capture::start(public), Capture::start(app.port())) {
        (Ok(between), Ok(behind)) => (between, behind),
        (Err(reason), _) | (_, Err(reason)) => {
            return skip("two_proxies_speak_tls_and_no_plaintext", &reason);
        }
    };
    for _ in 0..5 {
        assert_eq!(curl(local).unwrap(), SECRET);
    }
    let (between, behind) = (between.stop(), behind.stop());
    assert!(contains(&behind, SECRET), "the capture works: behind the proxy the text is plain");
    assert!(begins_with_handshake(&between), "{:?}", &between.get(..16));
    assert!(between.len() > 5 * SECRET.len());
    for plain in [SECRET, "HTTP/1.1", "Content-Length"] {
        assert!(!contains(&between, plain), "{plain:?} was seen between the proxies");
    }
}
