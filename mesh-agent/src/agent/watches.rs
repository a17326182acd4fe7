use super::config::{WatchConfig, WatchHandler};
use crate::cli::client::{Client, ClientConfig, Endpoint, TlsFiles};
use crate::cli::watch::{self, Handler, HttpHandler, ProgramHandler, Source, Trouble};
use crate::task::Shutdown;
use futures_util::future::join_all;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::sync::watch::Receiver;

/// The watches of the configuration: each asks this agent's own API, and tells its handler what has changed.
pub(super) struct Watches {
    wanted: Receiver<Vec<WatchConfig>>,
    /// Where this agent's API listens, if it does.
    api: Option<SocketAddr>,
}

impl Watches {
    pub fn new(wanted: Receiver<Vec<WatchConfig>>, listening: &[SocketAddr]) -> Self {
        Self { wanted, api: listening.first().copied().map(reachable) }
    }

    /// Follows what is wanted until the shutdown; whenever other watches are wanted, all begin anew.
    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            let wanted = self.wanted.borrow_and_update().clone();
            let watching = join_all(wanted.iter().map(|config| self.follow(config)));
            let changed = tokio::select! {
                () = shutdown.begun() => return,
                changed = changed_after(self.wanted.clone(), watching) => changed,
            };
            if !changed {
                return;
            }
        }
    }

    async fn follow(&self, config: &WatchConfig) {
        let kind = config.wanted.kind.as_str();
        match self.parts(config) {
            Ok((client, source, handler)) => {
                let told = |trouble: Trouble| {
                    tracing::warn!(kind, %trouble, "a configured watch goes on after a failure");
                    Ok::<(), std::convert::Infallible>(())
                };
                let never: Result<std::convert::Infallible, _> =
                    watch::follow(&client, &source, &handler, told).await;
                match never {
                    Ok(never) | Err(never) => match never {},
                }
            }
            Err(reason) => tracing::error!(kind, %reason, "a configured watch cannot begin"),
        }
    }

    fn parts(&self, config: &WatchConfig) -> Result<(Client, Source, Handler), String> {
        let api = self.api.ok_or("this agent has no HTTP API, which watches ask: set ports.http")?;
        let client = Client::new(&ClientConfig {
            endpoint: Endpoint::Tcp { authority: api.to_string(), tls: false },
            token: config.token.clone(),
            basic_auth: None,
            tls: TlsFiles::default(),
        });
        let source = Source::new(&config.wanted, config.query.clone());
        let handler = match &config.handler {
            WatchHandler::Program { words, shell } => {
                Handler::Program(ProgramHandler { words: words.clone(), shell: *shell })
            }
            WatchHandler::Http(target) => Handler::Http(Box::new(HttpHandler::new(target)?)),
        };
        Ok((client.map_err(|e| e.to_string())?, source.map_err(|e| e.to_string())?, handler))
    }
}

/// Waits for other wishes while what is wanted goes on; false, if none will come.
async fn changed_after(mut wanted: Receiver<Vec<WatchConfig>>, watching: impl Future) -> bool {
    let watching = async {
        watching.await;
        std::future::pending::<()>().await; // Those that could not begin have ended.
    };
    tokio::select! {
        changed = wanted.changed() => changed.is_ok(),
        () = watching => false,
    }
}

/// Whoever listens everywhere listens on the loopback too.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_listens_everywhere_is_asked_on_the_loopback() {
        for (listening, want) in
            [("0.0.0.0:8500", "127.0.0.1:8500"), ("[::]:8500", "[::1]:8500"), ("10.0.0.1:80", "10.0.0.1:80")]
        {
            assert_eq!(reachable(listening.parse().unwrap()), want.parse().unwrap());
        }
    }
}
