use crate::binary::target_directory;
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The program of Debian bullseye's package `consul` 1.8.7: `MESH_CONSUL` where set, else downloaded once into
/// target/peers. Nothing is installed, and apt's own state is not touched.
///
/// # Errors
/// Why it cannot be had here.
pub fn consul() -> Result<&'static Path, &'static str> {
    static CONSUL: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    CONSUL.get_or_init(find_or_download).as_ref().map(PathBuf::as_path).map_err(String::as_str)
}

fn find_or_download() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("MESH_CONSUL") {
        return Ok(PathBuf::from(path));
    }
    let place = target_directory().join("peers/consul");
    std::fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    let lock = File::create(place.join("lock")).map_err(|error| error.to_string())?;
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, error)| error.to_string())?;
    let program = place.join("root/usr/bin/consul");
    if !answers(&program) {
        download(&place)?;
    }
    if answers(&program) { Ok(program) } else { Err("the downloaded consul does not run here".to_owned()) }
}

fn answers(program: &Path) -> bool {
    let version = Command::new(program).arg("version").output();
    version.is_ok_and(|output| output.stdout.starts_with(b"Consul v1.8.7"))
}

fn download(place: &Path) -> Result<(), String> {
    let state = place.join("apt");
    for directory in ["lists/partial", "cache/archives/partial"] {
        std::fs::create_dir_all(state.join(directory)).map_err(|error| error.to_string())?;
    }
    let source = "deb http://deb.debian.org/debian bullseye main\n";
    std::fs::write(state.join("sources.list"), source).map_err(|error| error.to_string())?;
    std::fs::write(state.join("status"), "").map_err(|error| error.to_string())?;
    succeed(apt(&state, &["update"]).current_dir(place))?;
    succeed(apt(&state, &["download", "consul"]).current_dir(place))?;
    let package = downloaded(place).ok_or("apt downloaded no package of consul")?;
    succeed(Command::new("dpkg").arg("-x").arg(package).arg(place.join("root")))
}

/// apt-get with lists, cache and sources of its own.
fn apt(state: &Path, arguments: &[&str]) -> Command {
    let state = state.display();
    let options = [
        format!("Dir::Etc::SourceList={state}/sources.list"),
        "Dir::Etc::SourceParts=/dev/null".to_owned(),
        format!("Dir::State={state}"),
        format!("Dir::State::status={state}/status"),
        format!("Dir::Cache={state}/cache"),
        "Acquire::Languages=none".to_owned(),
        "APT::Sandbox::User=root".to_owned(),
    ];
    let mut command = Command::new("apt-get");
    for option in &options {
        command.args(["-o", option]);
    }
    command.args(arguments);
    command
}

fn downloaded(place: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(place).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "deb"))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")))
}
