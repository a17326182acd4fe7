//! Network namespaces: a loopback of one's own, so that a test can use the ports that a page names.

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

/// Runs the closure on a thread with a network of its own, in which only the loopback exists. What it starts is
/// in there too. `Err` says why that cannot be had here; a panic of the closure goes on.
///
/// # Errors
/// We may not make network namespaces.
pub fn isolated(test: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let (say, hear) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let entered = enter();
        let may = entered.is_ok();
        let _ = say.send(entered);
        if may {
            test();
        }
    });
    let entered = hear.recv().map_err(|error| error.to_string())?;
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
    entered
}

/// A network of its own for whom it is given to; it ends with the last of them.
#[derive(Clone, Debug)]
pub struct Namespace(Arc<File>);

impl Namespace {
    /// That of this thread.
    pub fn own() -> Self {
        let file = File::open("/proc/thread-self/ns/net").expect("a thread has a network namespace");
        Self(Arc::new(file))
    }

    /// A new one, in which only the loopback exists.
    ///
    /// # Errors
    /// We may not make network namespaces.
    pub fn new() -> Result<Self, String> {
        std::thread::spawn(|| enter().map(|()| Self::own())).join().expect("making one does not panic")
    }

    /// Runs the closure on a thread in there. What it starts is in there too.
    pub fn run<T: Send + 'static>(&self, body: impl FnOnce() -> T + Send + 'static) -> T {
        let file = self.0.clone();
        let inside = move || {
            setns(&*file, CloneFlags::CLONE_NEWNET).expect("who made a namespace may enter it");
            body()
        };
        std::thread::spawn(inside).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// The command, once it is carried out, is in there.
    pub fn enter(&self, command: &mut Command) {
        let file = self.0.clone();
        // SAFETY: the child makes one system call before it becomes another program.
        unsafe { command.pre_exec(move || Ok(setns(&*file, CloneFlags::CLONE_NEWNET)?)) };
    }

    /// Where other programs find it while this process lives.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    /// Lays a cable to another one; each end has the addresses given, with their prefixes.
    ///
    /// # Errors
    /// `ip` is missing or refuses.
    pub fn join(&self, other: &Self, here: &[&str], there: &[&str]) -> Result<(), String> {
        let peer = ["type", "veth", "peer", "name", "mesh1", "netns", &other.path()];
        self.ip(&[&["link", "add", "mesh0"][..], &peer].concat())?;
        for (namespace, link, addresses) in [(self, "mesh0", here), (other, "mesh1", there)] {
            for address in addresses {
                let undoubted: &[&str] = if address.contains(':') { &["nodad"] } else { &[] };
                namespace.ip(&[&["addr", "add", address, "dev", link], undoubted].concat())?;
            }
            namespace.ip(&["link", "set", link, "up"])?;
        }
        Ok(())
    }

    /// Has `ip` do that in there.
    ///
    /// # Errors
    /// `ip` is missing or refuses.
    pub fn ip(&self, arguments: &[&str]) -> Result<(), String> {
        let mut command = Command::new("ip");
        self.enter(command.args(arguments));
        let done = command.output().map_err(|error| format!("ip: {error}"))?;
        let told = String::from_utf8_lossy(&done.stderr);
        if done.status.success() { Ok(()) } else { Err(format!("ip {}: {told}", arguments.join(" "))) }
    }
}

fn enter() -> Result<(), String> {
    unshare(CloneFlags::CLONE_NEWNET)
        .map_err(|error| format!("no network namespace may be made: {error}"))?;
    loopback_up().map_err(|error| format!("the loopback cannot be brought up: {error}"))
}

fn loopback_up() -> nix::Result<()> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: all bytes zero is a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *slot = libc::c_char::from_ne_bytes([*byte]);
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: the descriptor is open, and SIOCSIFFLAGS reads an `ifreq`, which outlives the call.
    nix::errno::Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request) })
        .map(drop)
}
