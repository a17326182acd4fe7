use super::machine::Size;
use super::modules::Modules;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Without cmpxchg16b, in whose emulation QEMU 7.2 spoils the flags now and then: Linux 6.12 panics of it in its
/// allocator, and goes another way where the processor has none.
pub const EMULATED: &str = "max,-cx16";

/// From Linux 6.19 on and without cmpxchg16b, kernel programs get memory that lies on sockets only where its use is
/// checked: ours would refuse every connect.
const WITHOUT_CX16: &str = "slab_debug=F,kmalloc-*";

const PROGRAM: &str = "qemu-system-x86_64";

/// How it is started: machines leave the processors to whoever wants them.
pub const POLITELY: [&str; 4] = ["nice", "-n", "10", PROGRAM];

/// What every machine has: a kernel with its initramfs, and no devices but those that are added.
pub fn arguments(
    kernel: &Path,
    initramfs: &Path,
    size: &Size,
    accelerator: &str,
    append: &str,
) -> Result<Vec<String>> {
    if !shell::on_path(PROGRAM) {
        bail!("QEMU is not installed: apt-get install --no-install-recommends qemu-system-x86");
    }
    let (cpu, instead) = if accelerator == "kvm" { ("host", "") } else { (EMULATED, WITHOUT_CX16) };
    let (cpus, memory) = (size.cpus.to_string(), format!("{}M", size.memory));
    let (image, initramfs) = (image(kernel)?.display().to_string(), initramfs.display().to_string());
    // Where the host is busy, the kernel's look at its timer lasts too long, and it takes the timer for broken.
    let append = format!("console=ttyS0 quiet panic=-1 no_timer_check {instead} {append}");
    let fixed = ["-accel", accelerator, "-cpu", cpu, "-machine", "q35", "-smp", &cpus, "-m", &memory];
    let more = ["-nographic", "-no-reboot", "-nodefaults", "-kernel", &image, "-initrd", &initramfs];
    Ok([&fixed[..], &more, &["-append", append.trim_end()]].concat().into_iter().map(str::to_owned).collect())
}

/// These arguments as a command.
pub fn command(arguments: &[String]) -> Command {
    let mut qemu = Command::new(POLITELY[0]);
    qemu.args(&POLITELY[1..]).args(arguments);
    qemu
}

fn image(kernel: &Path) -> Result<PathBuf> {
    let version = Modules::of(kernel)?.version();
    let places = [format!("boot/vmlinuz-{version}"), format!("usr/lib/modules/{version}/vmlinuz")];
    let found = places.iter().map(|place| kernel.join(place)).find(|path| path.is_file());
    found.with_context(|| format!("there is no kernel below {}", kernel.display()))
}

/// A paravirtual KVM hangs on kernels that do not know it.
pub fn kvm_is_usable() -> bool {
    let open = fs::File::options().read(true).write(true).open("/dev/kvm");
    open.is_ok() && !Path::new("/sys/module/kvm_pvm").exists()
}
