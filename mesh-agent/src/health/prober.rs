use super::grpc::GrpcProber;
use super::h2ping::H2PingProber;
use super::http::{HttpProber, HttpSpec};
use super::output::capped;
use super::report::ProbeResult;
use super::script::ScriptProber;
use super::tcp::TcpProber;
use super::udp::UdpProber;
use super::{AliasTarget, CheckRefused, CheckTls};
use crate::model::{CheckDefinition, Probe};
use futures_util::FutureExt as _;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Whether a check could be run as it is defined; it is not. `scripts`: its registrar may have scripts run.
///
/// # Errors
/// [`CheckRefused`] says what about the definition cannot be.
pub fn validate(check: &CheckDefinition, scripts: bool) -> Result<(), CheckRefused> {
    let nobody = CheckTls::new(rustls::RootCertStore::empty());
    Plan::new(check, &nobody, scripts).map(drop)
}

/// What a check does, made ready once and refused here if it cannot be.
#[derive(Debug)]
pub(super) enum Plan {
    /// Probe at every interval.
    Periodic(Prober),
    /// Wait for the service to speak.
    Ttl(Duration),
    /// Follow other checks.
    Alias(AliasTarget),
}

impl Plan {
    /// `scripts` says whether whoever registered the check may have scripts run.
    pub(super) fn new(check: &CheckDefinition, tls: &CheckTls, scripts: bool) -> Result<Self, CheckRefused> {
        let id = &check.id;
        let kind = match &check.probe {
            Probe::Ttl { ttl } => return Ok(Self::Ttl(*ttl)),
            Probe::Alias { node, service } => {
                return Ok(Self::Alias(AliasTarget { node: node.clone(), service: service.clone() }));
            }
            Probe::Http { url, method, headers, body, tls_server_name, tls_skip_verify } => {
                let (tls_skip_verify, output_max_size) = (*tls_skip_verify, check.output_max_size);
                let spec = HttpSpec {
                    url,
                    method,
                    headers,
                    body,
                    tls_server_name,
                    tls_skip_verify,
                    output_max_size,
                };
                Kind::Http(Box::new(HttpProber::new(id, &spec, tls)?))
            }
            Probe::Tcp { address } => Kind::Tcp(TcpProber::new(id, address)?),
            Probe::Udp { address } => Kind::Udp(UdpProber::new(id, address)?),
            Probe::Grpc { target, tls: secure, tls_skip_verify } => {
                Kind::Grpc(Box::new(GrpcProber::new(id, target, secure.then_some(tls), *tls_skip_verify)?))
            }
            Probe::H2Ping { address, tls: secure, tls_skip_verify } => {
                Kind::H2Ping(H2PingProber::new(id, address, secure.then_some(tls), *tls_skip_verify)?)
            }
            Probe::Script { args } => Kind::Script(ScriptProber::new(check, args, scripts)?),
        };
        let (timeout, output_max_size) = (check.timeout, check.output_max_size);
        Ok(Self::Periodic(Prober { kind, timeout, output_max_size }))
    }
}

/// One of the probers, with the limits that hold for all of them.
#[derive(Debug)]
pub(super) struct Prober {
    kind: Kind,
    timeout: Duration,
    output_max_size: usize,
}

#[derive(Debug)]
enum Kind {
    Http(Box<HttpProber>),
    Tcp(TcpProber),
    Udp(UdpProber),
    Grpc(Box<GrpcProber>),
    H2Ping(H2PingProber),
    Script(ScriptProber),
    /// Fails as a broken prober would.
    #[cfg(test)]
    Panic,
}

impl Prober {
    #[cfg(test)]
    pub(super) fn panicking() -> Self {
        Self { kind: Kind::Panic, timeout: Duration::from_secs(1), output_max_size: 64 }
    }

    /// One probe. It ends in time, and a panic in it is a result like any other failure.
    pub(super) async fn probe(&self) -> ProbeResult {
        let probe = AssertUnwindSafe(self.kind.probe(Instant::now() + self.timeout));
        match probe.catch_unwind().await {
            Ok(found) => self.bounded(found),
            Err(_) => ProbeResult::critical("the check failed inside the agent; its log says where"),
        }
    }

    /// The cap is for what the probed side says; our own words around it have a little room.
    fn bounded(&self, found: ProbeResult) -> ProbeResult {
        const OWN_WORDS: usize = 512;
        ProbeResult { output: capped(found.output, self.output_max_size + OWN_WORDS), ..found }
    }
}

impl Kind {
    async fn probe(&self, deadline: Instant) -> ProbeResult {
        match self {
            Self::Http(prober) => prober.probe(deadline).await,
            Self::Udp(prober) => prober.probe(deadline).await,
            Self::Script(prober) => prober.probe(deadline).await,
            Self::Tcp(prober) => within(deadline, prober.probe()).await,
            Self::Grpc(prober) => within(deadline, prober.probe()).await,
            Self::H2Ping(prober) => within(deadline, prober.probe()).await,
            #[cfg(test)]
            Self::Panic => panic!("a prober with a fault"),
        }
    }
}

async fn within(deadline: Instant, probe: impl Future<Output = ProbeResult>) -> ProbeResult {
    let started = Instant::now();
    let late = |_| {
        let seconds = (deadline - started).as_secs_f64();
        ProbeResult::critical(format!("timed out after {seconds:.1} s"))
    };
    timeout_at(deadline, probe).await.unwrap_or_else(late)
}
