//! A cgroup with its own programs, and processes in it.

use crate::role::ROLE;
use mesh_agent::dataplane::kernel::{
    Attachment, Host, Maps, Pins, cgroup_id, monotonic_now, namespace_cookie,
};
use mesh_common::{Action, Config, Counter, Destination, Doors, Endpoint, Pair, ServiceNumber, Workload};
use mesh_tests::{skip, within};
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub const WEB: ServiceNumber = 1;
pub const API: ServiceNumber = 2;

/// No service has an address here, so what arrives was steered.
pub const VIRTUAL: &str = "240.0.0.7:80";
pub const VIRTUAL_V6: &str = "[fd00:240::7]:80";

/// The agent counts as alive for as long as any test takes.
const LONG: u64 = 600_000_000_000;

/// A cgroup with `web`, `api`, `agent` and `other` below it; the programs hang on the whole.
pub struct Lab {
    pub attachment: Option<Attachment>,
    pub pins: Pins,
    pub cgroup: PathBuf,
}

impl Lab {
    /// `None` where tests may not change the kernel.
    pub fn build(test: &str) -> Option<Self> {
        if !is_fit(test) {
            return None;
        }
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mesh-ebpf-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let cgroup = Host::look().cgroup2.expect("a fit host has one").join(&name);
        for below in ["web", "api", "agent", "other", "web/deep"] {
            fs::create_dir_all(cgroup.join(below)).expect("a cgroup can be made");
        }
        let pins = Pins::new(format!("/run/{name}"));
        let mut lab = Self { attachment: None, pins, cgroup };
        lab.attach();
        for (below, service) in [("web", WEB), ("api", API)] {
            let id = cgroup_id(&lab.cgroup.join(below)).unwrap();
            lab.maps().workload.set(&id, &Workload::new(service)).unwrap();
        }
        Some(lab)
    }

    pub fn attach(&mut self) {
        let attached = Attachment::attach(&self.cgroup, &self.pins);
        self.attachment = Some(attached.unwrap_or_else(|error| panic!("{error}")));
    }

    /// Other programs take the place of those that are loaded.
    pub fn replace(&mut self, object: &Path) {
        let attached = Attachment::attach_object(Some(object), &self.cgroup, &self.pins);
        self.attachment = Some(attached.unwrap_or_else(|error| panic!("{error}")));
    }

    pub fn maps(&mut self) -> &mut Maps {
        self.attachment.as_mut().expect("the lab is attached").maps_mut()
    }

    pub fn count(&mut self, counter: Counter) -> u64 {
        self.maps().counter(counter).unwrap()
    }

    /// The agent says that it lives, and where leg F listens.
    pub fn speak(&mut self, default: Action, leg_v4: u16, leg_v6: u16) {
        let config = Config {
            heartbeat: monotonic_now(),
            heartbeat_limit: LONG,
            names_limit: LONG,
            namespace: namespace_cookie().unwrap(),
            default_action: default as u32,
            doors: Doors { leg_v4: leg_v4.to_be(), leg_v6: leg_v6.to_be(), ..Doors::default() },
            ..Config::default()
        };
        self.maps().set_config(config).unwrap();
    }

    /// The processes in cgroup `agent` are the agent, and some service is strict.
    pub fn become_agent(&mut self) {
        let agent_cgroup = cgroup_id(&self.cgroup.join("agent")).unwrap();
        let config = Config { agent_cgroup, flags: Config::GUARD, ..self.maps().config().unwrap() };
        self.maps().set_config(config).unwrap();
    }

    pub fn rule(&mut self, source: ServiceNumber, destination: ServiceNumber, action: Action) {
        self.maps().intent.set(&Pair { source, destination }, &(action as u32)).unwrap();
    }

    /// `address` leads to service `api`, on another host.
    pub fn remote(&mut self, address: &str) {
        let remote = Destination::remote(API, Destination::VIRTUAL);
        self.maps().destination.set(&endpoint(address), &remote).unwrap();
    }

    /// `address` leads to service `api`, whose server is here.
    pub fn local(&mut self, address: &str, server: SocketAddr, flags: u32) {
        let local = Destination::local(API, Destination::VIRTUAL | flags, server.into(), 0);
        self.maps().destination.set(&endpoint(address), &local).unwrap();
    }

    /// Starts this binary again in one of the cgroups.
    pub fn start(&self, below: &str, role: &str) -> Actor {
        let procs = self.cgroup.join(below).join("cgroup.procs");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "role::role", "--nocapture", "--test-threads=1"]).env(ROLE, role);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // SAFETY: the child writes one byte to a file before it becomes another program.
        unsafe { command.pre_exec(move || fs::write(&procs, "0")) };
        let mut child = command.spawn().expect("this binary can be started again");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Actor { child, lines }
    }

    /// A server, and where it listens.
    pub fn serve(&self, below: &str, role: &str) -> (Actor, SocketAddr) {
        let mut actor = self.start(below, role);
        let address = actor.hear().parse().expect("a server says its address first");
        (actor, address)
    }

    /// What a client in that cgroup finds.
    pub fn ask(&self, below: &str, role: &str) -> String {
        self.start(below, role).hear()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.attachment.take());
        if let Err(error) = self.pins.detach() {
            eprintln!("{error}");
        }
        for below in ["web/deep", "web", "api", "agent", "other", ""] {
            let folder = self.cgroup.join(below);
            within(Duration::from_secs(5), || fs::remove_dir(&folder).ok());
        }
    }
}

/// Whether tests may change the kernel here; said loudly where they may not.
pub fn is_fit(test: &str) -> bool {
    let fit = Host::look().check();
    fit.inspect_err(|why| skip(test, &why.to_string())).is_ok()
}

/// A process with a role; it ends with its owner.
pub struct Actor {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Actor {
    /// The next thing it says.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        while self.lines.read_line(&mut line).expect("its output can be read") > 0 {
            if let Some(text) = line.trim_end().strip_prefix("> ") {
                return text.to_owned();
            }
            line.clear();
        }
        panic!("it ended without a word");
    }

    pub fn tell(&mut self) {
        self.child.stdin.as_mut().expect("it is piped").write_all(b"\n").expect("it listens");
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn endpoint(address: &str) -> Endpoint {
    address.parse::<SocketAddr>().expect("a test's address").into()
}

/// `SO_ORIGINAL_DST`, as proxies ask for it.
pub fn original_destination(stream: &TcpStream) -> io::Result<SocketAddr> {
    let mut words = [0_u32; 7];
    let (level, mut length) = if stream.local_addr()?.is_ipv4() { (0, 16) } else { (41, 28) };
    // SAFETY: the buffer is as long as said, and outlives the call.
    let found =
        unsafe { libc::getsockopt(stream.as_raw_fd(), level, 80, words.as_mut_ptr().cast(), &mut length) };
    if found != 0 {
        return Err(io::Error::last_os_error());
    }
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let port = u16::from_be_bytes([bytes[2], bytes[3]]);
    if level == 0 {
        let address: [u8; 4] = bytes[4..8].try_into().expect("four bytes");
        return Ok(SocketAddrV4::new(address.into(), port).into());
    }
    let address: [u8; 16] = bytes[8..24].try_into().expect("sixteen bytes");
    Ok((Ipv6Addr::from(address), port).into())
}
