use super::service::{API_PORT, UPSTREAM_PORT, WEB_PORT, get};
use crate::shell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where the agent answers HTTP.
const AGENT_PORT: u16 = 8500;

/// How long the mesh may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the demonstration tells its audience.
pub struct Story {
    pub binary: PathBuf,
    pub log: PathBuf,
}

impl Story {
    /// Tells it when the first answer has come through the mesh.
    pub fn tell_once_it_works(&self) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if api_is_healthy() && get(UPSTREAM_PORT, "/").is_ok() {
                println!("{}", self.text());
                return;
            }
            pause();
        }
        eprintln!("nothing came through the mesh within {PATIENCE:?}; see {}", self.log.display());
    }

    fn text(&self) -> String {
        let mesh = shown(&self.binary);
        let log = shown(&self.log);
        format!(
            "
Two services run on this machine, and an agent that connects them:

    web :{WEB_PORT} ── :{UPSTREAM_PORT} sidecar ══ mutual TLS ══ sidecar ── api :{API_PORT}

web and api know nothing of the mesh. web asks a local port for api; the agent found api, gave both an
identity, encrypts what they say, and asks for each connection whether it is allowed.

Try this in another terminal:

    curl http://localhost:{UPSTREAM_PORT}                       # hello from api, through the mesh
    {mesh} intention create -deny web api
    curl http://localhost:{UPSTREAM_PORT}                       # refused, before api sees a byte
    {mesh} intention create -allow -replace web api
    curl http://localhost:{UPSTREAM_PORT}                       # hello again

And then:

    curl http://localhost:{WEB_PORT}                        # web's own page, which shows what api told it
    {mesh} catalog services
    {mesh} help
    curl http://localhost:8500/v1/health/connect/api?pretty
    dig @127.0.0.1 -p 8600 api.service.mesh SRV

The agent's log: {log}
Ctrl-C ends it all.
"
        )
    }
}

/// Whether the agent would send web to api.
fn api_is_healthy() -> bool {
    let found = get(AGENT_PORT, "/v1/health/connect/api?passing=1");
    found.is_ok_and(|text| text.contains("\"Service\""))
}

/// As one types it from here.
fn shown(path: &Path) -> String {
    path.strip_prefix(shell::root()).unwrap_or(path).display().to_string()
}

/// Between two looks whether the mesh is up.
#[allow(clippy::disallowed_methods)]
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}
