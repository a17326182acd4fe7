//! Consul's built-in proxy and ours talk to each other, in both roles.

use mesh_tests::agent::{wait_for_refusal, wait_for_text};
use mesh_tests::{DemoService, PortBlock, Process, TestAgent, binary, eventually, peers, skip};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

/// `web` reaches `db` through two sidecars, each run by the program given for it.
fn reach(inbound: &Path, outbound: &Path) {
    let ports = PortBlock::claim();
    let (db, local) = (DemoService::start(ports.take(), "from db"), ports.take());
    let agent = TestAgent::start();
    let external = json!({"external": true});
    agent.register(&json!({"Name": "db", "Port": db.port(), "Connect": {"SidecarService": {
        "Proxy": {"Config": external}}}}));
    agent.register(&json!({"Name": "web", "Port": ports.take(), "Connect": {"SidecarService": {
        "Proxy": {"Config": external, "Upstreams": [{"DestinationName": "db", "LocalBindPort": local}]}}}}));
    let _inbound = sidecar(&agent, inbound, "db");
    let _outbound = sidecar(&agent, outbound, "web");

    wait_for_text(local, "from db");
    let before = db.connections();
    agent.mesh(&["intention", "create", "-deny", "web", "db"]).success();
    wait_for_refusal(local);
    assert!(db.connections() >= before);
    agent.mesh(&["intention", "delete", "web", "db"]).success();
    wait_for_text(local, "from db");
}

fn sidecar(agent: &TestAgent, program: &Path, service: &str) -> Process {
    sidecar_with(agent, program, service, &[])
}

fn sidecar_with(agent: &TestAgent, program: &Path, service: &str, flags: &[&str]) -> Process {
    let arguments = [&["connect", "proxy", "-sidecar-for", service], flags].concat();
    agent.start_client(program, &arguments, &format!("{service}-proxy.log"))
}

#[test]
fn consuls_proxy_takes_what_ours_sends() {
    match peers::consul() {
        Ok(consul) => reach(consul, binary::mesh()),
        Err(reason) => skip("consuls_proxy_takes_what_ours_sends", reason),
    }
}

#[test]
fn our_proxy_takes_what_consuls_sends() {
    match peers::consul() {
        Ok(consul) => reach(binary::mesh(), consul),
        Err(reason) => skip("our_proxy_takes_what_consuls_sends", reason),
    }
}

#[test]
fn our_proxies_talk_to_each_other_outside_the_agent() {
    reach(binary::mesh(), binary::mesh());
}

#[test]
fn consuls_proxy_reaches_a_sidecar_that_the_agent_runs() {
    let consul = match peers::consul() {
        Ok(consul) => consul,
        Err(reason) => return skip("consuls_proxy_reaches_a_sidecar_that_the_agent_runs", reason),
    };
    let ports = PortBlock::claim();
    let (db, local) = (DemoService::start(ports.take(), "from db"), ports.take());
    let agent = TestAgent::start();
    agent.register(&json!({"Name": "db", "Port": db.port(), "Connect": {"SidecarService": {}}}));
    let upstream = format!("db:{local}");
    let _proxy =
        agent.start_client(consul, &["connect", "proxy", "-service", "web", "-upstream", &upstream], "p.log");
    wait_for_text(local, "from db");
}

/// What the kernel counts of its TLS; nothing where it has none.
fn kernel_tls() -> Option<HashMap<String, u64>> {
    let text = std::fs::read_to_string("/proc/net/tls_stat").ok()?;
    let words: Vec<&str> = text.split_whitespace().collect();
    Some(words.chunks_exact(2).map(|pair| (pair[0].to_owned(), pair[1].parse().unwrap())).collect())
}

/// Consul's proxy in the one role and ours, whose records the kernel seals and opens, in the other.
fn carry_over_the_kernels_tls(test: &str, ours_is_inbound: bool) {
    if kernel_tls().is_none() {
        return skip(test, "this kernel has no TLS (modprobe tls)");
    }
    let consul = match peers::consul() {
        Ok(consul) => consul,
        Err(reason) => return skip(test, reason),
    };
    let ports = PortBlock::claim();
    let (app, local) = (echo(), ports.take());
    let agent = TestAgent::start();
    let external = json!({"external": true});
    agent.register(&json!({"Name": "db", "Port": app, "Connect": {"SidecarService": {
        "Proxy": {"Config": external}}}}));
    agent.register(&json!({"Name": "web", "Port": ports.take(), "Connect": {"SidecarService": {
        "Proxy": {"Config": external, "Upstreams": [{"DestinationName": "db", "LocalBindPort": local}]}}}}));
    let (ours, theirs) = if ours_is_inbound { ("db", "web") } else { ("web", "db") };
    let our_proxy = sidecar_with(&agent, binary::mesh(), ours, &["-ktls=on"]);
    let _theirs = sidecar(&agent, consul, theirs);
    let tried = "the kernel can encrypt";
    eventually("our proxy has tried the kernel's TLS", || our_proxy.log().contains(tried).then_some(()));
    let before = kernel_tls().unwrap_or_default();

    eventually("bytes come back", || comes_back(local, 1).then_some(()));
    assert!(comes_back(local, 24 << 20), "not all bytes came back");
    let after = kernel_tls().unwrap_or_default();
    for name in ["TlsTxSw", "TlsRxSw"] {
        assert!(after[name] > before[name], "{name}: {} and then {}", before[name], after[name]);
    }
    assert_eq!(after["TlsDecryptError"], before["TlsDecryptError"]);
}

/// A service that says what it hears.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
        }
    });
    port
}

/// Sends so many bytes and reads them back, both at once. Neither side ends before all is there: Consul's proxy takes
/// the end of one direction for the end of both.
fn comes_back(port: u16, length: usize) -> bool {
    let mut bytes = vec![0; length];
    StdRng::seed_from_u64(length as u64).fill_bytes(&mut bytes);
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    stream.set_read_timeout(Some(mesh_tests::wait::PATIENCE)).unwrap();
    let mut back = vec![0; length];
    let read = std::thread::scope(|scope| {
        scope.spawn(|| bytes.chunks(70_001).try_for_each(|chunk| (&stream).write_all(chunk)));
        (&stream).read_exact(&mut back)
    });
    read.is_ok() && back == bytes
}

#[test]
fn consuls_proxy_takes_what_ours_sends_over_the_kernels_tls() {
    carry_over_the_kernels_tls("consuls_proxy_takes_what_ours_sends_over_the_kernels_tls", false);
}

#[test]
fn our_proxy_takes_what_consuls_sends_over_the_kernels_tls() {
    carry_over_the_kernels_tls("our_proxy_takes_what_consuls_sends_over_the_kernels_tls", true);
}
