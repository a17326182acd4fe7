use crate::process::{Process, run};
use crate::wait::eventually;
use nix::unistd::{Gid, Uid, User, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Debian's PostgreSQL server on a port of the loopback, with a database cluster of its own.
pub struct Postgres {
    _process: Process,
    _directory: TempDir,
    pub psql: PathBuf,
}

impl Postgres {
    /// # Errors
    /// Why it cannot be had here.
    pub fn start(port: u16) -> Result<Self, String> {
        let programs = programs().ok_or("PostgreSQL is not installed (apt-get install postgresql)")?;
        let owner = unprivileged()?;
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let data = directory.path().join("data");
        std::fs::create_dir(&data).map_err(|error| error.to_string())?;
        if let Some((uid, gid)) = owner {
            for path in [directory.path(), &data] {
                chown(path, Some(uid), Some(gid)).map_err(|error| error.to_string())?;
            }
        }
        initialise(&programs, &data, owner)?;
        let process = serve(&programs, &data, owner, port, directory.path());
        let postgres = Self { _process: process, _directory: directory, psql: programs.join("psql") };
        eventually("PostgreSQL answers", || postgres.query(port, "select 1").ok());
        Ok(postgres)
    }

    /// What a query answers, through any port that leads here.
    ///
    /// # Errors
    /// What `psql` says.
    pub fn query(&self, port: u16, sql: &str) -> Result<String, String> {
        let mut psql = Command::new(&self.psql);
        psql.args(["-h", "127.0.0.1", "-U", "postgres", "-t", "-A", "-c", sql, "-p"]).arg(port.to_string());
        let output = run(psql.env("PGCONNECT_TIMEOUT", "10"));
        if output.status == Some(0) { Ok(output.stdout.trim().to_owned()) } else { Err(output.stderr) }
    }
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    found.retain(|directory| directory.join("initdb").exists() && directory.join("psql").exists());
    found.sort();
    found.pop()
}

/// PostgreSQL does not run as root: whom to run it as instead, if we are root.
fn unprivileged() -> Result<Option<(Uid, Gid)>, String> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let user = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
    user.map(|user| Some((user.uid, user.gid))).ok_or_else(|| "there is no user but root".to_owned())
}

fn as_owner(program: &Path, owner: Option<(Uid, Gid)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((uid, gid)) = owner {
        command.uid(uid.as_raw()).gid(gid.as_raw());
    }
    command
}

fn initialise(programs: &Path, data: &Path, owner: Option<(Uid, Gid)>) -> Result<(), String> {
    let mut initdb = as_owner(&programs.join("initdb"), owner);
    let output = run(initdb.args(["-A", "trust", "-U", "postgres", "--no-sync", "-D"]).arg(data));
    if output.status == Some(0) { Ok(()) } else { Err(format!("initdb: {}", output.stderr.trim())) }
}

fn serve(programs: &Path, data: &Path, owner: Option<(Uid, Gid)>, port: u16, directory: &Path) -> Process {
    let mut server = as_owner(&programs.join("postgres"), owner);
    server.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-p"]).arg(port.to_string());
    server.arg("-k").arg(data).arg("-D").arg(data);
    Process::start(server, &directory.join("postgres.log"))
}
