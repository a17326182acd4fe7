//! What a byte costs. A measurement, where the machine counts instructions: its clock then goes on by a nanosecond
//! with each, so that times are instructions, and say nothing of speed.

use super::scene::{KERNEL_TLS, Scene, app, connect, options};
use crate::proxy::{EngineOptions, KernelTls};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};

/// Enough that what a connection costs once does not count.
const BYTES: usize = 48 << 20;
const CHUNK: usize = 128 << 10;

/// Nanoseconds of processor that this process has had.
fn spent() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    (usage.user_time() + usage.system_time()).num_nanoseconds()
}

/// An application that reads to the end and then says so.
fn sink() -> SocketAddr {
    app(|mut stream| {
        let mut chunk = vec![0; CHUNK];
        while stream.read(&mut chunk).unwrap() > 0 {}
        stream.write_all(b"!").unwrap();
    })
}

/// Nanoseconds for each byte that is sent there and read.
fn cost(address: SocketAddr, bytes: usize) -> f64 {
    let mut stream = connect(address);
    let chunk = vec![7; CHUNK];
    let before = spent();
    for _ in 0..bytes / CHUNK {
        stream.write_all(&chunk).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    stream.read_exact(&mut [0]).unwrap();
    (spent() - before) as f64 / bytes as f64
}

#[test]
#[ignore = "a measurement: cargo xtask test vm --kernel 6.12 --program proxy --count -- --ignored --nocapture cost"]
fn cost_of_a_byte() {
    let plain_app = sink();
    let scene_with = |ktls| Scene::with(EngineOptions { workers: 1, ktls, ..options() });
    let (own, kernel) = (scene_with(None), KERNEL_TLS.map(|kernel| scene_with(Some(kernel))));
    let own_path = own.path(sink());
    let kernel_path = kernel.as_ref().map(|kernel| kernel.path(sink()));
    for round in 0..3 {
        let plain = cost(plain_app, BYTES);
        println!("round {round}: plain {plain:.2}");
        let own = cost(own_path.outbound.local_addr(), BYTES);
        println!("round {round}: both proxies, encrypting themselves {:.2}", own - plain);
        if let Some(path) = &kernel_path {
            let kernel = cost(path.outbound.local_addr(), BYTES);
            println!("round {round}: both proxies, with the kernel's TLS {:.2}", kernel - plain);
        }
    }
}

/// One transfer through both proxies.
fn transfer(ktls: Option<KernelTls>) {
    let scene = Scene::with(EngineOptions { workers: 1, ktls, ..options() });
    let path = scene.path(sink());
    cost(path.outbound.local_addr(), BYTES);
}

#[test]
#[ignore = "a measurement: cargo xtask test vm --kernel 6.12 --program proxy --strace -- --ignored calls_without"]
fn calls_without_the_kernels_tls() {
    transfer(None);
}

#[test]
#[ignore = "a measurement: cargo xtask test vm --kernel 6.12 --program proxy --strace -- --ignored calls_with_the"]
fn calls_with_the_kernels_tls() {
    transfer(Some(KERNEL_TLS.unwrap()));
}
