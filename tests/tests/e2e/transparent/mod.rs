//! Programs that know nothing of the mesh, steered into it by the kernel.

mod clients;
mod cut;
mod docker;
mod elsewhere;
mod hosts;
mod life;
mod names;
mod reach;
mod started;
mod strict;
mod upgrade;

use hickory_proto::rr::RecordType;
use mesh_tests::wait::{here, slowness};
use mesh_tests::{DemoService, Output, Process, binary, dns, eventually, netns, run, skip};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// An agent, a service `web` that it runs the proxy of, a service `far` whose proxy somebody else runs, and
/// cgroups for them and for a `client`.
struct Scene {
    agent: Process,
    far_proxy: Option<Process>,
    web: DemoService,
    far: DemoService,
    /// Goes after those whose logs are in it, and shown where a test fails.
    directory: TempDir,
    /// Goes last: while somebody is in them, or the agent lives, they cannot be removed.
    cgroups: Cgroups,
}

/// A cgroup and those in it, which go with the test, and with what is kept in the kernel.
struct Cgroups {
    top: PathBuf,
    pins: PathBuf,
}

const BELOW: [&str; 4] = ["agent", "client", "friend", "vault"];

impl Cgroups {
    fn new(test: &str) -> Result<Self, String> {
        let mounts = std::fs::read_to_string("/proc/mounts").map_err(|error| error.to_string())?;
        let mount = mounts.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let place = fields.next()?;
            (fields.next() == Some("cgroup2")).then_some(place)
        });
        let name = format!("mesh-dataplane-{test}-{}", std::process::id());
        let top = Path::new(mount.ok_or("no cgroup2 is mounted")?).join(&name);
        let cgroups = Self { top, pins: Path::new("/run").join(name).join("bpf") };
        for below in BELOW {
            let path = cgroups.top.join(below);
            std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(cgroups)
    }

    /// The command, once it is carried out, is in there.
    fn enter(&self, below: &str, mut command: Command) -> Command {
        let procs = self.top.join(below).join("cgroup.procs");
        // SAFETY: the child writes one byte to a file before it becomes another program.
        unsafe { command.pre_exec(move || std::fs::write(&procs, "0")) };
        command
    }

    /// As the agent names it.
    fn path(&self, below: &str) -> String {
        let name = self.top.file_name().expect("it has a name").to_string_lossy();
        format!("/{name}/{below}")
    }

    fn detach(&self) -> Output {
        run(mesh(&["dataplane", "detach"]).arg(format!("-pins={}", self.pins.display())))
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        let _ = self.detach();
        for below in BELOW.iter().chain(&[""]) {
            let path = self.top.join(below);
            let _ = mesh_tests::within(Duration::from_secs(5), || std::fs::remove_dir(&path).ok());
        }
        let _ = std::fs::remove_dir_all(self.pins.parent().expect("it has one"));
    }
}

fn mesh(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary::mesh());
    command.args(arguments).env_remove("CONSUL_HTTP_ADDR");
    command
}

fn start_agent(cgroups: &Cgroups, directory: &Path) -> Process {
    let file = directory.join("config.json");
    let alone: &[&str] =
        if forgets(&file) { &["-dev"] } else { &["-server", "-bootstrap", "-bind=127.0.0.1"] };
    let mut command = mesh(&["agent"]);
    command.args(alone).arg(format!("-config-file={}", file.display()));
    Process::start(cgroups.enter("agent", command), &directory.join("agent.log"))
}

fn read_config(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// Whether the agent keeps nothing of what it knows.
fn forgets(config: &Path) -> bool {
    read_config(config).get("data_dir").is_none()
}

/// Changes the agent's configuration.
type Setting = dyn Fn(&Cgroups, &mut Value) + Send;

impl Scene {
    /// `Err` says why the kernel's data plane cannot be had here.
    fn new(test: &str, setting: &Setting) -> Result<Self, String> {
        let (directory, cgroups) = (tempfile::tempdir().unwrap(), Cgroups::new(test)?);
        let of = |below| json!({"mesh-workload": format!("cgroup:{}", cgroups.path(below))});
        let mut config = json!({
            "dataplane": "auto", "dataplane_cgroup": cgroups.top, "dataplane_pins": cgroups.pins,
            "enable_script_checks": true, "services": [
                {"name": "web", "port": 8081, "connect": {"sidecar_service": {}}},
                {"name": "client", "meta": of("client")}, {"name": "friend", "meta": of("friend")},
            ],
        });
        setting(&cgroups, &mut config);
        let file = directory.path().join("config.json");
        std::fs::write(&file, config.to_string()).unwrap();
        let (web, far) = (DemoService::start(8081, "web"), DemoService::start(8082, "far"));
        let agent = start_agent(&cgroups, directory.path());
        let mut scene = Self { agent, far_proxy: None, web, far, directory, cgroups };
        let mode = eventually("the data plane has a mode", || {
            assert!(scene.agent.ended().is_none(), "the agent has ended");
            let status = run(&mut mesh(&["dataplane", "status"])).stdout;
            status.strip_prefix("mode = ").is_some_and(is_settled).then_some(status)
        });
        if !mode.starts_with("mode = ebpf") {
            return Err(mode);
        }
        scene.start_far();
        Ok(scene)
    }

    /// A new agent in the place of one that ended.
    fn restart(&mut self) {
        // An agent that forgets all comes back as the first of another mesh, in which addresses go by who comes first.
        let forgets = forgets(&self.directory.path().join("config.json"));
        self.far_proxy.take_if(|_| forgets);
        self.agent = start_agent(&self.cgroups, self.directory.path());
        eventually("the new agent steers", || {
            run(&mut mesh(&["dataplane", "status"])).stdout.starts_with("mode = ebpf").then_some(())
        });
        if forgets {
            self.start_far();
        }
    }

    /// For the next agent.
    fn configure(&self, key: &str, value: Value) {
        let file = self.directory.path().join("config.json");
        let mut config = read_config(&file);
        config[key] = value;
        std::fs::write(&file, config.to_string()).unwrap();
    }

    fn start_far(&mut self) {
        let arguments = ["connect", "proxy", "-service=far", "-service-addr=127.0.0.1:8082"];
        let mut command = mesh(&arguments);
        command.args(["-listen=127.0.0.1:9443", "-register"]);
        let log = self.directory.path().join("proxy.log");
        self.far_proxy = Some(Process::start(self.cgroups.enter("agent", command), &log));
    }

    fn virtual_ip(&self, service: &str) -> Ipv4Addr {
        virtual_ip(service)
    }

    /// What an unmodified program in the client's cgroup finds at a service's virtual address.
    fn curl(&self, service: &str) -> Output {
        self.fetch("client", &format!("http://{}/", self.virtual_ip(service)))
    }

    /// What curl finds there, from that cgroup.
    fn fetch(&self, below: &str, url: &str) -> Output {
        run(&mut self.cgroups.enter(below, curl(url)))
    }

    /// A connection that says nothing, from a process of that cgroup.
    fn hold(&self, below: &str, service: &str) -> Held {
        const SCRIPT: &str = "import socket, sys
s = socket.create_connection((sys.argv[1], 80), 5 * second)
s.settimeout(60 * second)
s.sendall(b'GET')
try: print('closed' if s.recv(1) == b'' else 'answered', flush=True)
except ConnectionError as e: print(type(e).__name__, flush=True)";
        let command = self.python(below, SCRIPT, &[&self.virtual_ip(service).to_string()]);
        let log = self.directory.path().join(format!("{below}-{service}.log"));
        Held { process: Process::start(command, &log) }
    }

    /// A [`python`] program in that cgroup.
    fn python(&self, below: &str, script: &str, arguments: &[&str]) -> Command {
        self.cgroups.enter(below, python(script, arguments))
    }

    fn counter(&self, name: &str) -> u64 {
        self.fact(&format!("counter.{name}")).parse().unwrap()
    }

    fn fact(&self, name: &str) -> String {
        let status = run(&mut mesh(&["dataplane", "status"])).success();
        let start = format!("{name} = ");
        let line = status.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("no {name} in {status}")).to_owned()
    }

    fn eventually_counted(&self, name: &str) {
        eventually(name, || (self.counter(name) > 0).then_some(()));
    }
}

/// A busy agent says at first that its mode is unknown, since whom it asks does not answer.
fn is_settled(mode: &str) -> bool {
    !mode.starts_with("unknown")
}

fn virtual_ip(service: &str) -> Ipv4Addr {
    eventually("the service has a virtual address", || {
        let answer = dns::ask(8600, &format!("{service}.virtual.consul."), RecordType::A);
        dns::addresses(&answer).first().copied()
    })
}

fn mesh_denies(source: &str, destination: &str) {
    run(&mut mesh(&["intention", "create", "-deny", source, destination])).success();
}

/// A connection that is open, until somebody ends it.
struct Held {
    process: Process,
}

impl Held {
    fn is_open(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// How its owner saw it end, within a second.
    fn end(&mut self) -> String {
        let ended = mesh_tests::within(Duration::from_secs(1), || (!self.is_open()).then_some(()));
        assert!(ended.is_some(), "the connection is still open after a second");
        self.process.log().trim().to_owned()
    }
}

fn transparently(test: &'static str, body: impl FnOnce(Scene) + Send + 'static) {
    transparently_with(test, |_, _| {}, body);
}

/// Twice: by TCP, and with what goes to a server of this host past it. Those who wait in a read have no place in there.
fn transparently_by_tcp_and_past_it(test: &'static str, body: impl Fn(&Scene) + Copy + Send + 'static) {
    transparently(test, move |scene| body(&scene));
    let setting = |_: &Cgroups, config: &mut Value| config["dataplane_accelerate"] = json!("nonblocking");
    transparently_with(test, setting, move |scene| {
        let acceleration = scene.fact("accelerate");
        if !acceleration.starts_with("on") {
            return skip(test, &acceleration);
        }
        body(&scene);
        assert!(scene.counter("moved") > 0, "all went by TCP");
    });
}

/// A Python program, to which `second` is what takes a second on an ordinary machine.
fn python(script: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.arg("-c").arg(format!("second = {}\n{script}", slowness())).args(arguments);
    command
}

/// A program that fetches what is there, or gives up soon.
fn curl(url: &str) -> Command {
    let patience = here(Duration::from_secs(5)).as_secs().to_string();
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", &patience, url]);
    command
}

/// The agent keeps what it knows on disk.
fn with_a_memory(test: &'static str, body: impl FnOnce(Scene) + Send + 'static) {
    let kept = |cgroups: &Cgroups, config: &mut Value| {
        config["data_dir"] = json!(cgroups.pins.with_file_name("data"));
    };
    transparently_with(test, kept, body);
}

fn transparently_with(
    test: &'static str,
    setting: impl Fn(&Cgroups, &mut Value) + Send + 'static,
    body: impl FnOnce(Scene) + Send + 'static,
) {
    let isolated = netns::isolated(move || match Scene::new(test, &setting) {
        Ok(scene) => body(scene),
        Err(reason) => skip(test, &reason),
    });
    if let Err(reason) = isolated {
        skip(test, &reason);
    }
}

fn eventually_reached(scene: &Scene, service: &str) {
    eventually(&format!("curl reaches {service}"), || {
        let output = scene.curl(service);
        (output.status == Some(0) && output.stdout == service).then_some(())
    });
}
