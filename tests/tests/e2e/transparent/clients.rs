//! Clients as other languages have them.

use super::{eventually_reached, transparently, transparently_with};
use mesh_tests::{Process, eventually, run};
use serde_json::json;
use std::process::Command;

/// One socket does not wait for its connection, as in Go; one names IPv4 by an IPv6 address, as in a JVM; one does both.
pub(super) const CLIENTS: &str = "import select, socket, sys
host, port = sys.argv[1], int(sys.argv[2])
def ask(family, host, waits):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setblocking(waits)
    error = s.connect_ex((host, port))
    if not waits:
        assert error == 115, error
        poller = select.epoll(); poller.register(s, select.EPOLLOUT | select.EPOLLET)
        assert poller.poll(5 * second)
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        s.setblocking(True)
    assert error == 0, error
    assert s.getpeername()[:2] == (host, port), s.getpeername()
    s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')
    found = b''
    while chunk := s.recv(4096): found += chunk
    print(found.split(b'\\r\\n\\r\\n')[1].decode())
for waits in (True, False):
    ask(socket.AF_INET, host, waits)
    ask(socket.AF_INET6, '::ffff:' + host, waits)";

#[test]
fn clients_of_every_kind_reach_services_on_either_path() {
    transparently("clients", |scene| {
        for service in ["web", "far"] {
            eventually_reached(&scene, service);
            let address = scene.virtual_ip(service).to_string();
            let found = run(&mut scene.python("client", CLIENTS, &[&address, "80"])).success();
            assert_eq!(found, format!("{service}\n").repeat(4));
        }
    });
}

/// An address of this host that is not its loopback.
const SIX: &str = "fd00:5e::1";

#[test]
fn a_service_at_an_ipv6_address_is_reached_by_that_address_and_guarded_by_intentions() {
    let setting = |_: &super::Cgroups, config: &mut serde_json::Value| {
        config["services"].as_array_mut().unwrap().push(json!({
            "name": "six", "address": SIX, "port": 8085,
            "connect": {"sidecar_service": {"proxy": {"local_service_address": SIX}}},
            "check": {"tcp": format!("[{SIX}]:8085"), "interval": "1s"},
        }));
    };
    transparently_with("six", setting, |scene| {
        run(Command::new("ip").args(["addr", "add", &format!("{SIX}/128"), "dev", "lo", "nodad"])).success();
        let folder = scene.directory.path().join("six");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("index.html"), "six").unwrap();
        let mut server = Command::new("python3");
        server.args(["-m", "http.server", "8085", "--bind", SIX, "--directory"]).arg(folder);
        let _server =
            Process::start(scene.cgroups.enter("vault", server), &scene.directory.path().join("six.log"));
        let url = format!("http://[{SIX}]:8085/");
        eventually("it is reached straight, by its own address", || {
            let before = scene.counter("local");
            let reached = scene.fetch("client", &url).stdout == "six";
            (reached && scene.counter("local") > before).then_some(())
        });
        super::mesh_denies("client", "six");
        eventually("it is denied", || (scene.fetch("client", &url).status == Some(7)).then_some(()));
        assert_eq!(scene.fetch("friend", &url).stdout, "six");
    });
}
