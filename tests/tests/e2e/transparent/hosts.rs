//! Two hosts, each with an agent and a kernel that steers.

use super::clients::CLIENTS;
use super::names::{asking, lookup};
use super::{Cgroups, curl, is_settled, mesh, python};
use mesh_tests::capture::{Capture, begins_with_handshake, contains};
use mesh_tests::cluster::SECRET;
use mesh_tests::netns::{self, Namespace};
use mesh_tests::wait::here;
use mesh_tests::{Output, Process, eventually, run, skip};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The client's host and the services', by either family.
const A: [&str; 2] = ["10.77.0.1", "fd77::1"];
const B: [&str; 2] = ["10.77.0.2", "fd77::2"];

/// Nobody answers there: the kernel sends questions to the agent.
const RESOLVER: &str = "127.0.0.53";

struct Host {
    address: &'static str,
    namespace: Namespace,
    agent: Option<Process>,
    processes: Vec<Process>,
    directory: TempDir,
    /// Goes last, as in a scene.
    cgroups: Cgroups,
}

impl Host {
    fn new(test: &str, address: &'static str, namespace: Namespace) -> Result<Self, String> {
        let cgroups = Cgroups::new(&format!("{test}-{address}"))?;
        let directory = tempfile::tempdir().unwrap();
        Ok(Self { address, directory, namespace, agent: None, processes: Vec::new(), cgroups })
    }

    fn command(&self, below: &str, command: Command) -> Command {
        let mut command = self.cgroups.enter(below, command);
        self.namespace.enter(&mut command);
        command
    }

    fn start(&self, below: &str, log: &str, command: Command) -> Process {
        Process::start(self.command(below, command), &self.directory.path().join(log))
    }

    fn agent(&mut self, servers: usize, config: &Value) {
        let mut whole = json!({
            "node_name": format!("host-{}", self.address), "bind_addr": self.address, "encrypt": SECRET,
            "retry_join": [B[0]], "data_dir": self.directory.path().join("data"),
            "dataplane": "auto", "dataplane_cgroup": self.cgroups.top, "dataplane_pins": self.cgroups.pins,
        });
        if self.address == B[0] || servers == 2 {
            whole["server"] = json!(true);
            whole["bootstrap_expect"] = json!(servers);
        }
        whole.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
        let file = self.directory.path().join("config.json");
        std::fs::write(&file, whole.to_string()).unwrap();
        self.start_agent();
    }

    /// As it is configured; it may be another's successor.
    fn start_agent(&mut self) {
        let mut command = mesh(&["agent"]);
        command.arg(format!("-config-file={}", self.directory.path().join("config.json").display()));
        self.agent = Some(self.start("agent", "agent.log", command));
    }

    /// A server in a cgroup of its own that answers with one text.
    fn serve(&mut self, address: &str, port: &str, text: &str) {
        let folder = self.directory.path().join(text);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("index.html"), text).unwrap();
        let mut command = Command::new("python3");
        command.args(["-m", "http.server", port, "--bind", address, "--directory"]).arg(folder);
        let process = self.start("vault", &format!("{text}.log"), command);
        self.processes.push(process);
    }

    fn mesh(&self, arguments: &[&str]) -> Output {
        run(&mut self.command("agent", mesh(arguments)))
    }

    fn fact(&self, name: &str) -> Option<String> {
        let status = self.mesh(&["dataplane", "status"]).stdout;
        let start = format!("{name} = ");
        status.lines().find_map(|line| line.strip_prefix(&start)).map(str::to_owned)
    }

    fn counter(&self, name: &str) -> u64 {
        self.fact(&format!("counter.{name}")).expect("it is counted").parse().unwrap()
    }

    fn fetch(&self, below: &str, url: &str) -> Output {
        run(&mut self.command(below, curl(url)))
    }

    /// As [`Self::fetch`], by a name that it asks a resolver for.
    fn fetch_by_name(&self, below: &str, url: &str) -> Output {
        run(&mut self.command(below, asking(RESOLVER, self.directory.path(), &curl(url))))
    }
}

/// `a` has a client and a friend, `b` the instances of `web`, one of which is ill, and `six`, which has IPv6 only.
struct Hosts {
    a: Host,
    b: Host,
}

impl Hosts {
    fn new(test: &str, servers: usize) -> Result<Self, String> {
        let (here, there) = (Namespace::own(), Namespace::new()?);
        let with = |prefixes: [&str; 2], [v4, v6]: [&str; 2]| {
            [format!("{v4}/{}", prefixes[0]), format!("{v6}/{}", prefixes[1])]
        };
        let [a, b] = [A, B].map(|host| with(["24", "64"], host));
        here.join(&there, &a.each_ref().map(String::as_str), &b.each_ref().map(String::as_str))?;
        let (mut a, mut b) = (Host::new(test, A[0], here)?, Host::new(test, B[0], there)?);
        let of = |below| json!({"mesh-workload": format!("cgroup:{}", a.cgroups.path(below))});
        let clients = json!([
            {"name": "client", "meta": of("client")}, {"name": "friend", "meta": of("friend")},
        ]);
        let of_six = json!({"sidecar_service": {"address": B[0], "proxy": {"local_service_address": B[1]}}});
        let services = json!([
            {"name": "web", "port": 8081, "connect": {"sidecar_service": {}}},
            {"name": "web", "id": "ill", "port": 8086, "connect": {"sidecar_service": {}},
                "check": {"ttl": "1h", "status": "critical"}},
            {"name": "six", "address": B[1], "port": 8085, "connect": of_six},
            {"name": "open", "port": 8087, "connect": {"sidecar_service": {}}, "meta": {"mesh-fail-open": "true"}},
        ]);
        b.serve("0.0.0.0", "8087", "open");
        for (address, port, text) in
            [("0.0.0.0", "8081", "web"), ("0.0.0.0", "8086", "ill"), (B[1], "8085", "six")]
        {
            b.serve(address, port, text);
        }
        b.agent(servers, &json!({"services": services}));
        a.agent(servers, &json!({"services": clients}));
        for host in [&a, &b] {
            let mode =
                eventually("the data plane has a mode", || host.fact("mode").filter(|mode| is_settled(mode)));
            if mode != "ebpf" {
                return Err(host.fact("reason").unwrap_or(mode));
            }
        }
        Ok(Self { a, b })
    }
}

fn between_hosts(test: &'static str, servers: usize, body: impl FnOnce(Hosts) + Send + 'static) {
    let isolated = netns::isolated(move || match Hosts::new(test, servers) {
        Ok(hosts) => body(hosts),
        Err(reason) => skip(test, &reason),
    });
    if let Err(reason) = isolated {
        skip(test, &reason);
    }
}

const REAL: &str = "http://10.77.0.2:8081/";
const REAL_ILL: &str = "http://10.77.0.2:8086/";
const REAL_SIX: &str = "http://[fd77::2]:8085/";
const NAMED: &str = "http://web.virtual.consul/";

fn reach_each_other(hosts: &Hosts) {
    let Hosts { a, b } = hosts;
    eventually("the client reaches web by its name", || {
        (a.fetch_by_name("client", NAMED).stdout == "web").then_some(())
    });
    let program = lookup("web.virtual.consul");
    let found = run(&mut a.command("client", asking(RESOLVER, a.directory.path(), &program))).success();
    let address = found.split_whitespace().next().expect("web has an address");
    let by_virtual = format!("http://{address}/");
    let all = [(REAL, "web"), (REAL_ILL, "ill"), (REAL_SIX, "six"), (by_virtual.as_str(), "web")];
    for (url, text) in all {
        eventually(url, || (a.fetch("client", url).stdout == text).then_some(()));
    }
    only_tls_is_between(|| every_way_is_through_the_agent(a, address, &all));
    an_outsider_has_a_plain_network(a, &by_virtual);

    b.mesh(&["intention", "create", "-deny", "client", "*"]).success();
    for (url, _) in all {
        eventually("it is denied", || (a.fetch("client", url).status == Some(7)).then_some(()));
        let began = Instant::now();
        assert_eq!(a.fetch("client", url).status, Some(7), "{url}");
        assert!(began.elapsed() < here(Duration::from_secs(2)), "at once");
    }
    assert_eq!(a.fetch("friend", REAL).success(), "web", "others are not");
}

fn every_way_is_through_the_agent(a: &Host, address: &str, all: &[(&str, &str)]) {
    let before = a.counter("redirected");
    for (url, text) in all {
        assert_eq!(a.fetch("client", url).success(), *text, "{url}");
    }
    for url in [NAMED, "http://web.service.consul:8081/"] {
        assert_eq!(a.fetch_by_name("client", url).success(), "web", "{url}");
    }
    for (host, port) in [(B[0], "8081"), (address, "80")] {
        let clients = python(CLIENTS, &[host, port]);
        assert_eq!(run(&mut a.command("client", clients)).success(), "web\n".repeat(4), "{host}");
    }
    assert_eq!(a.counter("redirected"), before + 14);
}

/// Looks at the ports of the proxies and of the apps meanwhile.
fn only_tls_is_between(speak: impl FnOnce()) {
    let wire = [21_000, 21_001, 8081, 8086].map(Capture::start);
    speak();
    let [Ok(one), Ok(other), Ok(web), Ok(ill)] = wire.map(|capture| capture.map(Capture::stop)) else {
        return skip("what is on the wire between two hosts", "packets cannot be captured");
    };
    for between in [one, other] {
        assert!(begins_with_handshake(&between), "{:?}", between.get(..16));
        assert!(!contains(&between, "HTTP/1"), "plaintext was seen between the hosts");
    }
    assert!(web.is_empty() && ill.is_empty(), "something went around the mesh");
}

fn an_outsider_has_a_plain_network(a: &Host, by_virtual: &str) {
    let plain = Capture::start(8081);
    for (url, text) in [(REAL, "web"), (REAL_SIX, "six")] {
        assert_eq!(a.fetch("vault", url).success(), text);
    }
    assert!(plain.is_ok_and(|capture| contains(&capture.stop(), "HTTP/1")), "in the clear");
    assert_eq!(a.fetch("vault", by_virtual).status, Some(7), "nobody is there");
    assert_ne!(a.fetch_by_name("vault", NAMED).status, Some(0), "nor is the name told");
}

/// Holds a connection, and says what became of it.
const HELD: &str = "import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5 * second)
assert s.getpeername()[0] == sys.argv[1], s.getpeername()
print('connected', flush=True)
s.settimeout(60 * second)
try: print('closed' if s.recv(1) == b'' else 'answered', flush=True)
except ConnectionError as e: print(type(e).__name__, flush=True)";

fn hold(a: &Host, address: &str, port: &str) -> Process {
    let process = a.start("client", &format!("held-{port}.log"), holding(address, port));
    eventually("it is connected", || process.log().contains("connected").then_some(()));
    process
}

fn holding(address: &str, port: &str) -> Command {
    python(HELD, &[address, port])
}

/// A container on host `a` with a network of its own, of which the hosts know the way.
struct Container {
    namespace: Namespace,
}

impl Container {
    fn new(hosts: &Hosts) -> Result<Self, String> {
        let (a, b) = (&hosts.a.namespace, &hosts.b.namespace);
        let namespace = Namespace::new()?;
        namespace.join(a, &["10.78.0.2/24"], &["10.78.0.1/24"])?;
        namespace.ip(&["route", "add", "default", "via", "10.78.0.1"])?;
        b.ip(&["route", "add", "10.78.0.0/24", "via", A[0]])?;
        a.run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")).map_err(|error| error.to_string())?;
        Ok(Self { namespace })
    }

    /// A process of the client in there.
    fn start(&self, a: &Host, log: &str, command: Command) -> Process {
        let mut command = a.cgroups.enter("client", command);
        self.namespace.enter(&mut command);
        Process::start(command, &a.directory.path().join(log))
    }
}

fn url_of(a: &Host, service: &str) -> String {
    let name = format!("{service}.virtual.consul");
    let address = eventually("it has an address", || {
        let program = asking(RESOLVER, a.directory.path(), &lookup(&name));
        run(&mut a.command("client", program)).stdout.split_whitespace().next().map(str::to_owned)
    });
    format!("http://{address}/")
}

const REAL_OPEN: &str = "http://10.77.0.2:8087/";

#[test]
fn without_an_agent_only_services_that_say_so_are_reached_by_themselves() {
    between_hosts("hosts-open", 1, |hosts| {
        let container = Container::new(&hosts).unwrap();
        let Hosts { mut a, b } = hosts;
        let [web, open] = ["web", "open"].map(|service| url_of(&a, service));
        for (url, text) in [(web.as_str(), "web"), (&open, "open"), (REAL_OPEN, "open")] {
            eventually(url, || (a.fetch("client", url).stdout == text).then_some(()));
        }
        b.mesh(&["intention", "create", "-deny", "friend", "open"]).success();
        eventually("it is denied", || (a.fetch("friend", REAL_OPEN).status == Some(7)).then_some(()));

        drop(a.agent.take()); // Killed.
        let closed = |from: &str, urls: &[&str]| {
            for url in urls {
                assert_eq!(a.fetch(from, url).status, Some(7), "{url}");
            }
        };
        eventually("what may be is reached by itself", || {
            closed("client", &[&web, REAL]);
            (a.fetch("client", REAL_OPEN).stdout == "open").then_some(())
        });
        let plain = Capture::start(8087);
        assert_eq!(a.fetch("client", &open).success(), "open");
        assert!(plain.is_ok_and(|capture| contains(&capture.stop(), "HTTP/1")), "in the clear");
        closed("friend", &[&open, REAL_OPEN]);
        closed("client", &[&web, REAL, REAL_SIX]);
        let address = open.trim_start_matches("http://").trim_end_matches('/');
        let inside = container.start(&a, "inside.log", holding(B[0], "8087"));
        eventually("it is connected", || inside.log().contains("connected").then_some(()));
        let held = [hold(&a, address, "80"), hold(&a, B[0], "8087"), inside];

        a.start_agent();
        eventually("there is an agent again", || (a.fetch("client", &web).stdout == "web").then_some(()));
        assert!(a.counter("opened") >= 4);
        b.mesh(&["intention", "create", "-deny", "client", "open"]).success();
        for mut process in held {
            assert!(
                process.wait(Duration::from_secs(20)).is_some(),
                "what went by itself is cut when denied"
            );
            assert_eq!(process.log(), "connected\nConnectionAbortedError\n");
        }
    });
}

#[test]
fn a_client_agents_programs_reach_another_hosts_services_by_name_virtual_and_real_address() {
    between_hosts("hosts-client", 1, |hosts| reach_each_other(&hosts));
}

#[test]
fn programs_beside_one_server_reach_services_beside_another() {
    between_hosts("hosts-servers", 2, |hosts| reach_each_other(&hosts));
}
