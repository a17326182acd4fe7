//! A peer that is not ours, in either role: openssl's own client and server, with keys that change in midstream.

use super::pki::{Credentials, Leaf};
use super::scene::{KERNEL_TLS, Scene, any, connect, echo, eventually};
use rustls::pki_types::PrivateKeyDer;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use tempfile::TempDir;

/// A running `openssl` and all that it has said.
struct Peer {
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
    _directory: TempDir,
}

impl Peer {
    /// `None` where it is not installed, which is said.
    fn start(arguments: &[&str], Credentials { chain, key }: &Credentials) -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let file = |name: &str| directory.path().join(name).display().to_string();
        let PrivateKeyDer::Pkcs8(key) = key else { panic!("a PKCS #8 key") };
        fs::write(file("key"), key.secret_pkcs8_der()).unwrap();
        fs::write(file("certificate"), &chain[0]).unwrap();
        let mut command = Command::new("openssl");
        command.args(arguments).args(["-cert", &file("certificate"), "-certform", "DER"]);
        command.args(["-key", &file("key"), "-keyform", "DER"]).env("OPENSSL_CONF", "/dev/null");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else {
            eprintln!("SKIPPED: openssl is not installed");
            return None;
        };
        let said = Arc::new(Mutex::new(Vec::new()));
        let (mut output, into) = (child.stdout.take().unwrap(), said.clone());
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                into.lock().unwrap().extend_from_slice(&chunk[..count]);
            }
        });
        Some(Self { child, said, _directory: directory })
    }

    /// What is typed at it, until it has read it: a command is what comes first with one read.
    fn types(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        eventually("it has read", || unread(input) == 0);
    }

    fn hears(&self, text: &str) {
        let heard = || String::from_utf8_lossy(&self.said.lock().unwrap()).contains(text);
        eventually(text, heard);
    }
}

fn unread(pipe: &ChildStdin) -> libc::c_int {
    let mut count = 0;
    // SAFETY: FIONREAD writes one int.
    assert_eq!(unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut count) }, 0);
    count
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok(); // It may have ended by itself.
        self.child.wait().unwrap();
    }
}

/// Whether a change of keys is survived: not where the kernel has them and keeps them.
fn keys_may_change() -> bool {
    KERNEL_TLS.is_none_or(|kernel| kernel.rekeys)
}

#[test]
fn openssl_is_spoken_to_by_tls_1_2_in_both_roles() {
    let scene = Scene::new();
    let inbound = scene.inbound(echo());
    let address = inbound.local_addr().to_string();
    let credentials = scene.authority.issue(Leaf::of(&scene.client));
    for suite in ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"] {
        let arguments = ["s_client", "-tls1_2", "-cipher", suite, "-connect", &address];
        let Some(mut client) = Peer::start(&arguments, &credentials) else { return };
        client.types("first words\n");
        client.hears("\nfirst words\n");
    }
    let (address, credentials) = (free_port(), scene.authority.issue(Leaf::of(&scene.server)));
    let accept = address.to_string();
    let Some(mut server) = Peer::start(&["s_server", "-tls1_2", "-accept", &accept], &credentials) else {
        return;
    };
    server.hears("ACCEPT");
    let outbound = scene.outbound(vec![address]);
    let mut near = connect(outbound.local_addr());
    near.write_all(b"a question\n").unwrap();
    server.hears("a question\n");
    server.types("an answer\n");
    assert_eq!(read(&mut near, 10), "an answer\n");
    let by_kernel = if KERNEL_TLS.is_some() { 3 } else { 0 };
    let counters = scene.counters();
    assert_eq!((counters.ktls_sending, counters.ktls_receiving, counters.broken), (by_kernel, by_kernel, 0));
}

#[test]
fn openssl_as_client_is_served_and_may_change_keys() {
    let scene = Scene::new();
    let inbound = scene.inbound(echo());
    let address = inbound.local_addr().to_string();
    let credentials = scene.authority.issue(Leaf::of(&scene.client));
    let Some(mut client) = Peer::start(&["s_client", "-connect", &address], &credentials) else { return };
    client.types("first words\n");
    client.hears("\nfirst words\n");
    if !keys_may_change() {
        client.types("k\n");
        return eventually("it is cut and counted", || scene.counters().ktls_retired == 1);
    }
    for (command, words) in [("k\n", "behind a new key\n"), ("K\n", "behind new keys both ways\n")] {
        client.types(command);
        client.types(words);
        client.hears(words);
    }
    assert_eq!(scene.counters().broken, 0);
}

/// A port that is free now.
fn free_port() -> SocketAddr {
    TcpListener::bind(any()).unwrap().local_addr().unwrap()
}

#[test]
fn openssl_as_server_may_send_tickets_and_change_keys() {
    let scene = Scene::new();
    let address = free_port();
    let credentials = scene.authority.issue(Leaf::of(&scene.server));
    let accept = address.to_string();
    let Some(mut server) = Peer::start(&["s_server", "-accept", &accept], &credentials) else { return };
    server.hears("ACCEPT");
    let outbound = scene.outbound(vec![address]);
    let mut near = connect(outbound.local_addr());
    near.write_all(b"a question\n").unwrap();
    server.hears("a question\n"); // Its tickets came right behind the handshake.
    server.types("an answer\n");
    assert_eq!(read(&mut near, 10), "an answer\n");
    if !keys_may_change() {
        return;
    }
    server.types("K\n");
    server.types("under new keys\n");
    assert_eq!(read(&mut near, 15), "under new keys\n");
    near.write_all(b"under our new keys\n").unwrap();
    server.hears("under our new keys\n");
    assert_eq!(scene.counters().broken, 0);
}

fn read(stream: &mut TcpStream, length: usize) -> String {
    let mut text = vec![0; length];
    stream.read_exact(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}
