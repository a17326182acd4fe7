//! The kernel takes connections over when they are worth it, and nobody notices. The other tests of this room use it
//! too, where it can.

use super::bytes::both;
use super::scene::{KERNEL_TLS, Scene, app, eventually, options};
use crate::proxy::ktls::Gate;
use crate::proxy::{EngineOptions, KernelTls, Ktls};
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// The kernel's TLS as found, or, said loudly, nothing.
pub fn kernel(test: &str) -> Option<KernelTls> {
    if KERNEL_TLS.is_none() {
        let why = KernelTls::find(Ktls::On).map_or_else(|error| error.to_string(), |_| String::new());
        let line = format!("SKIPPED: {test}: {why}\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
        let log = std::env::var_os("MESH_SKIP_LOG")
            .and_then(|path| OpenOptions::new().append(true).open(path).ok());
        log.into_iter().for_each(|mut log| log.write_all(line.as_bytes()).unwrap());
    }
    *KERNEL_TLS
}

/// What the kernel counts.
pub fn statistics() -> HashMap<String, u64> {
    let text = fs::read_to_string("/proc/net/tls_stat").unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].parse().unwrap())).collect()
}

pub fn assert_no_errors() {
    let statistics = statistics();
    for name in ["TlsDecryptError", "TlsRxDeviceResync", "TlsTxRekeyError", "TlsRxRekeyError"] {
        assert_eq!(statistics.get(name).copied().unwrap_or(0), 0, "{name}");
    }
}

pub fn with(gate: Gate, mut kernel: KernelTls) -> Scene {
    kernel.gate = gate;
    Scene::with(EngineOptions { ktls: Some(kernel), ..options() })
}

/// Runs one end of a connection here and the other behind both proxies. The kernel has carried all of it then,
/// both ways, without an error.
pub fn carried(
    test: &str,
    here: impl FnOnce(&Scene, &TcpStream),
    there: impl Fn(TcpStream) + Send + Sync + 'static,
) {
    let Some(kernel) = kernel(test) else { return };
    let before = statistics();
    let scene = with(Gate::OPEN, kernel);
    let path = scene.path(app(there));
    here(&scene, &path.connect());
    eventually("both sessions are gone", || scene.counters().active == 0);
    let counters = scene.counters();
    let handed_over = (counters.ktls_sending, counters.ktls_receiving, counters.ktls_refused);
    assert_eq!((handed_over, counters.ktls_retired), ((2, 2, 0), 0), "sent, received, refused; retired");
    assert_eq!((counters.broken, counters.truncated), (0, 0));
    let after = statistics();
    for name in ["TlsTxSw", "TlsRxSw"] {
        assert!(after[name] >= before[name] + 2, "{name}: {} and then {}", before[name], after[name]);
    }
    assert_no_errors();
}

#[test]
fn the_kernel_does_right_by_each_suite_of_ours() {
    let Some(kernel) = kernel("the_kernel_does_right_by_each_suite_of_ours") else { return };
    let ours = &crate::proxy::config::PROVIDER.cipher_suites;
    assert!(ours.iter().all(|suite| kernel.knows(*suite)), "only {}", kernel.told());
}

#[test]
fn both_roles_hand_both_ways_over() {
    let here = |_: &Scene, stream: &TcpStream| both(stream, 1, 2, 1 << 20, 50_000);
    carried("both_roles_hand_both_ways_over", here, |stream| both(&stream, 2, 1, 1 << 20, 50_000));
}

#[test]
fn a_stream_goes_over_in_its_midst_and_a_short_one_stays() {
    let Some(kernel) = kernel("a_stream_goes_over_in_its_midst_and_a_short_one_stays") else { return };
    let gate = Gate { bytes: 3 << 20, age: Duration::from_secs(3600), piece: 1024 };
    let scene = with(gate, kernel);
    let path = scene.path(app(|stream| {
        let mut length = [0; 4];
        (&stream).read_exact(&mut length).unwrap();
        both(&stream, 2, 1, u32::from_be_bytes(length) as usize, 70_000);
    }));
    for (length, handed_over) in [(1_u32 << 20, 0), (24 << 20, 2)] {
        let stream = path.connect();
        (&stream).write_all(&length.to_be_bytes()).unwrap();
        both(&stream, 1, 2, length as usize, 70_000);
        eventually("both sessions are gone", || scene.counters().active == 0);
        let counters = scene.counters();
        assert_eq!((counters.ktls_sending, counters.ktls_receiving), (handed_over, handed_over));
        assert_eq!((counters.ktls_refused, counters.broken), (0, 0));
    }
    assert_no_errors();
}

#[test]
fn the_last_bytes_arrive_though_the_reader_stalls() {
    let Some(kernel) = kernel("the_last_bytes_arrive_though_the_reader_stalls") else { return };
    let scene = with(Gate::OPEN, kernel);
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let length = 12 << 20;
    let path = scene.path(app(move |stream| {
        wait.lock().unwrap().recv_timeout(*super::scene::PATIENCE).unwrap();
        super::bytes::expect(&stream, 1, length, 3_000);
        stream.shutdown(Shutdown::Write).unwrap();
    }));
    let stream = path.connect();
    std::thread::scope(|scope| {
        scope.spawn(|| super::bytes::send(&stream, 1, 0, length, 9_000));
        eventually("bytes are under way", || scene_carries(&scene));
        go.send(()).unwrap();
    });
    assert_eq!((&stream).read(&mut [0; 8]).unwrap(), 0);
    eventually("both sessions are gone", || scene.counters().active == 0);
    assert_eq!(scene.counters().truncated, 0);
    assert_no_errors();
}

fn scene_carries(scene: &Scene) -> bool {
    scene.counters().bytes_to_peers > 1 << 20
}

/// No more records than [`LIMIT`] under one key; the last 4096 of them are not used up.
const LIMIT: u64 = 4_096 + 64;

/// Its keys wear out soon.
fn wearing(ktls: Option<KernelTls>) -> Scene {
    Scene::with(EngineOptions { ktls, records_per_key: LIMIT, ..options() })
}

#[test]
fn a_key_is_changed_before_it_has_protected_too_much_or_else_the_connection_ends() {
    let Some(kernel) =
        kernel("a_key_is_changed_before_it_has_protected_too_much_or_else_the_connection_ends")
    else {
        return;
    };
    let (before, length) = (statistics(), 96 << 20);
    let scene = wearing(Some(kernel));
    if kernel.rekeys {
        let path = scene.path(app(move |stream| super::bytes::expect(&stream, 1, length, 70_000)));
        let stream = path.connect();
        super::bytes::send(&stream, 1, 0, length, 70_000);
        assert_eq!((&stream).read(&mut [0; 8]).unwrap(), 0);
        assert!(statistics()["TlsTxRekeyOk"] > before["TlsTxRekeyOk"]);
        assert_eq!((scene.counters().ktls_retired, scene.counters().broken), (0, 0));
        return assert_no_errors();
    }
    let path =
        scene.path(app(|mut stream| while stream.read(&mut [0; 70_000]).is_ok_and(|count| count > 0) {}));
    let mut stream = path.connect();
    let cut = (0..length / 65_536).find_map(|_| stream.write_all(&[7; 65_536]).err());
    assert!(cut.is_some(), "{length} bytes went through");
    eventually("it is counted", || scene.counters().ktls_retired > 0);
    assert!(scene.counters().bytes_to_peers < LIMIT << 14, "past the limit");
    assert_no_errors();
}

#[test]
fn the_agent_changes_its_own_keys_in_time() {
    let scene = Scene::with(EngineOptions { ktls: None, records_per_key: 200, ..options() });
    let path = scene.path(app(|stream| both(&stream, 2, 1, 16 << 20, 50_000)));
    both(&path.connect(), 1, 2, 16 << 20, 50_000);
}
