//! Programs ask whom they always asked, and hear the mesh's names.

use super::{Scene, curl, eventually_reached, transparently};
use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::{RData, Record, RecordType, rdata::A};
use mesh_tests::wait::here;
use mesh_tests::{Output, eventually, run};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What the server that programs mean says of every name, ours included.
pub(super) const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
pub(super) const V4: &str = "127.0.0.53";
const V6: &str = "::1";

/// It ends with the test's process; the network is the test's own.
pub(super) fn resolver(address: &'static str) {
    let (udp, tcp) = (UdpSocket::bind((address, 53)).unwrap(), TcpListener::bind((address, 53)).unwrap());
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((size, client)) = udp.recv_from(&mut buffer) {
            let _ = udp.send_to(&reply(&buffer[..size]), client);
        }
    });
    std::thread::spawn(move || {
        for mut stream in tcp.incoming().flatten() {
            let mut length = [0; 2];
            while stream.read_exact(&mut length).is_ok() {
                let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut question).unwrap();
                let answer = reply(&question);
                let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
                stream.write_all(&[&length[..], &answer].concat()).unwrap();
            }
        }
    });
}

fn reply(question: &[u8]) -> Vec<u8> {
    let mut message = Message::from_vec(question).unwrap();
    message.metadata.message_type = MessageType::Response;
    let query = message.queries[0].clone();
    if query.query_type() == RecordType::A {
        message.add_answer(Record::from_rdata(query.name().clone(), 5, RData::A(A(ELSEWHERE))));
    }
    message.to_vec().unwrap()
}

/// A program of that cgroup on a host whose `resolv.conf` names that server.
fn with_resolver(scene: &Scene, below: &str, server: &str, program: &Command) -> Output {
    let command = asking(server, scene.directory.path(), program);
    run(&mut scene.cgroups.enter(below, command))
}

/// The program, on a host whose `resolv.conf` names that server.
pub(super) fn asking(server: &str, directory: &Path, program: &Command) -> Command {
    let file = directory.join("resolv.conf");
    let patience = here(Duration::from_secs(2)).as_secs();
    std::fs::write(&file, format!("nameserver {server}\noptions timeout:{patience} attempts:1\n")).unwrap();
    let mut command = Command::new("unshare");
    let script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
    command.args(["--mount", "sh", "-c", script]).arg(file);
    command.arg(program.get_program()).args(program.get_args());
    command
}

/// A program that looks a name up as every other does.
pub(super) fn lookup(name: &str) -> Command {
    let mut command = Command::new("getent");
    command.args(["hosts", name]);
    command
}

/// Asks by every kind of socket, and prints from whom each answer came, and what it was.
pub(super) const ASK: &str = "import socket, struct, sys
name, server = sys.argv[1:3]
q = struct.pack('>HHHHHH', 7, 256, 1, 0, 0, 0)
q += b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\\0\\0\\1\\0\\1'
v6 = ':' in server
def udp(family, to, connected):
    s = socket.socket(family, socket.SOCK_DGRAM); s.settimeout(5 * second)
    if connected: s.connect(to); s.send(q)
    else: s.sendto(q, to)
    return s.recvfrom(4096)
def tcp(family, to):
    s = socket.socket(family, socket.SOCK_STREAM); s.settimeout(5 * second); s.connect(to)
    s.sendall(struct.pack('>H', len(q)) + q); s.recv(2)
    return s.recv(4096), s.getpeername()
family = socket.AF_INET6 if v6 else socket.AF_INET
found = [udp(family, (server, 53), c) for c in (True, False)] + [tcp(family, (server, 53))]
if not v6: found += [udp(socket.AF_INET6, ('::ffff:' + server, 53), c) for c in (True, False)]
for answer, peer in found:
    assert peer[0] in (server, '::ffff:' + server) and peer[1] == 53, peer
    print(socket.inet_ntoa(answer[-4:]) if answer[7] else 'nothing')";

fn ask(scene: &Scene, below: &str, server: &str, name: &str) -> Vec<String> {
    run(&mut scene.python(below, ASK, &[name, server])).success().lines().map(str::to_owned).collect()
}

#[test]
fn workloads_hear_the_meshs_names_from_whomever_they_ask() {
    transparently("names", |scene| {
        resolver(V4);
        resolver(V6);
        eventually_reached(&scene, "web");
        let web = scene.virtual_ip("web").to_string();
        for (server, sockets) in [(V4, 5), (V6, 3)] {
            eventually("workloads are sent to the agent", || {
                (ask(&scene, "client", server, "web.virtual.consul")[0] == web).then_some(())
            });
            assert_eq!(ask(&scene, "client", server, "web.virtual.consul"), vec![web.clone(); sockets]);
            let elsewhere = vec![ELSEWHERE.to_string(); sockets];
            assert_eq!(ask(&scene, "client", server, "www.example.com"), elsewhere, "foreign names");
            assert_eq!(
                ask(&scene, "vault", server, "web.virtual.consul"),
                elsewhere,
                "processes of no service"
            );
            let found = with_resolver(&scene, "client", server, &curl("http://web.virtual.consul/"));
            assert_eq!(found.success(), "web");
            let found = with_resolver(&scene, "client", server, &lookup("www.example.com"));
            assert!(found.success().starts_with(&ELSEWHERE.to_string()));
        }
        assert!(scene.counter("names") > 0);
        scene.agent.signal(nix::sys::signal::Signal::SIGKILL);
        let outlived = eventually("names are asked of whom they were meant for", || {
            let found = with_resolver(&scene, "client", V4, &lookup("www.example.com"));
            (found.status == Some(0)).then_some(found.stdout)
        });
        assert!(outlived.starts_with(&ELSEWHERE.to_string()));
    });
}
