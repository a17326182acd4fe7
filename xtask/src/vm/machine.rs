use super::kernel::Kernel;
use super::qemu;
use super::report::Report;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// What the first process says first.
const UP: &str = "mesh-vm: up";

/// A machine under KVM that has not said it by then hangs: some hosts' KVM is not one for every kernel.
const KVM_PATIENCE: Duration = Duration::from_secs(15);

/// An instruction is a nanosecond, and one that copies a whole block counts as what it does.
const COUNTING: [&str; 4] = ["-icount", "shift=0,sleep=off", "-cpu", "max,-cx16,-erms,-fsrm"];

/// How large a machine is.
pub struct Size {
    pub cpus: u32,
    /// MiB.
    pub memory: u32,
}

/// A machine that runs its initramfs to the end.
pub struct Machine<'a> {
    pub kernel: Kernel,
    /// The unpacked kernel.
    pub folder: &'a Path,
    pub initramfs: &'a Path,
    /// Where it writes its report.
    pub place: &'a Path,
    pub size: Size,
    pub limit: Duration,
    /// Its clock goes on with its instructions.
    pub counts: bool,
}

#[derive(PartialEq)]
enum Ending {
    Exited,
    TimedOut,
    /// Not a word of the first process.
    Mute,
}

impl Machine<'_> {
    /// Runs it, shows what it prints, and returns what it reported.
    pub fn run(&self) -> Result<Report> {
        let result = self.place.join("result");
        fs::write(&result, "").with_context(|| format!("writing {}", result.display()))?;
        let mut ending = Ending::Mute;
        if self.kernel == Kernel::Uml {
            ending = self.watch(self.user_mode_linux(), self.limit)?;
        } else if !self.counts && qemu::kvm_is_usable() {
            ending = self.watch(self.qemu(&result, "kvm")?, KVM_PATIENCE)?;
        }
        if ending == Ending::Mute && self.kernel != Kernel::Uml {
            let accelerator = if self.counts { "tcg,thread=single" } else { "tcg" };
            ending = self.watch(self.qemu(&result, accelerator)?, self.limit)?;
        }
        match ending {
            Ending::Exited => Ok(Report::parse(&fs::read_to_string(&result)?)),
            Ending::TimedOut => {
                bail!("it was ended after {} s; --timeout gives it more", self.limit.as_secs())
            }
            Ending::Mute => bail!("its first process was not heard in {} s", self.limit.as_secs()),
        }
    }

    fn qemu(&self, result: &Path, accelerator: &str) -> Result<Command> {
        let mut arguments = qemu::arguments(self.folder, self.initramfs, &self.size, accelerator, "")?;
        if self.counts {
            arguments.extend(COUNTING.map(str::to_owned));
        }
        let result = format!("file:{}", result.display());
        arguments.extend(["-serial", "stdio", "-serial", &result].map(str::to_owned));
        Ok(qemu::command(&arguments))
    }

    fn user_mode_linux(&self) -> Command {
        let mut linux = Command::new(self.folder.join("usr/bin/linux.uml"));
        linux.arg(format!("mem={}M", self.size.memory));
        linux.arg(format!("initrd={}", self.initramfs.display()));
        linux.args(["con0=fd:0,fd:1", "con=null", "quiet", "panic=-1"]);
        linux.arg(format!("mesh.result={}", self.place.display()));
        linux
    }

    /// Ends it where it says nothing for as long as `patience`, and in any case at its limit.
    fn watch(&self, mut command: Command, patience: Duration) -> Result<Ending> {
        let name = self.kernel.name();
        eprintln!("[{name}] {}", command.get_program().to_string_lossy());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().with_context(|| format!("starting the machine {name}"))?;
        let ending = follow(&lines(&mut child), name, patience, self.limit);
        if ending != Ending::Exited {
            child.kill().ok(); // It may have ended just now.
        }
        child.wait().context("waiting for the machine")?;
        Ok(ending)
    }
}

fn lines(child: &mut Child) -> Receiver<String> {
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let (say, hear) = channel();
    std::thread::spawn(move || {
        for line in output.split(b'\n').map_while(std::result::Result::ok) {
            // Nobody listens any more: the machine was given up.
            if say.send(plain(&String::from_utf8_lossy(&line))).is_err() {
                return;
            }
        }
    });
    hear
}

fn follow(hear: &Receiver<String>, name: &str, patience: Duration, limit: Duration) -> Ending {
    let start = Instant::now();
    let (mut up, mut deadline) = (false, start + patience.min(limit));
    loop {
        match hear.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                println!("[{name}] {line}");
                if line.contains(UP) {
                    (up, deadline) = (true, start + limit);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Ending::Exited,
            Err(RecvTimeoutError::Timeout) => return if up { Ending::TimedOut } else { Ending::Mute },
        }
    }
}

/// A firmware that clears the screen would clear the operator's.
fn plain(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    let end = |part: &str| part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
    parts.fold(first, |text, part| text + &part[end(part)..]).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(30);
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn what_moves_the_cursor_is_left_out() {
        assert_eq!(plain("\x1bc\x1b[?7l\x1b[2Jmesh-vm: up\r"), "mesh-vm: up");
        assert_eq!(plain("test a ... ok"), "test a ... ok");
    }

    #[test]
    fn a_machine_that_says_nothing_is_mute_and_one_that_does_not_end_times_out() {
        let (say, hear) = channel();
        say.send("SeaBIOS".to_owned()).unwrap();
        assert!(follow(&hear, "test", SHORT, LONG) == Ending::Mute);
        say.send(format!("{UP}, Linux 6.1")).unwrap();
        assert!(follow(&hear, "test", LONG, SHORT) == Ending::TimedOut);
        drop(say);
        assert!(follow(&hear, "test", LONG, LONG) == Ending::Exited);
    }
}
