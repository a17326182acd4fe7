use super::connect::{HostPort, TlsName, dial};
use super::report::ProbeResult;
use super::{CheckRefused, CheckTls};
use crate::model::CheckId;
use hyper_util::rt::TokioIo;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::service_fn;

/// Asks the standard gRPC health service; only SERVING passes.
#[derive(Debug)]
pub(super) struct GrpcProber {
    display: String,
    target: HostPort,
    endpoint: Endpoint,
    /// Empty asks for the server as a whole.
    service: String,
    tls: Option<TlsName>,
}

impl GrpcProber {
    /// `text` is `host:port` or `host:port/service`.
    pub(super) fn new(
        check: &CheckId,
        text: &str,
        tls: Option<&CheckTls>,
        skip_verify: bool,
    ) -> Result<Self, CheckRefused> {
        let (address, service) = text.split_once('/').unwrap_or((text, ""));
        let target = HostPort::parse(check, address)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let refused = |_| CheckRefused::Address { check: check.clone(), address: text.to_owned() };
        Ok(Self {
            display: text.to_owned(),
            endpoint: Endpoint::from_shared(format!("{scheme}://{address}")).map_err(refused)?,
            service: service.to_owned(),
            tls: tls.map(|tls| TlsName::new(check, &target.host, tls, skip_verify, b"h2")).transpose()?,
            target,
        })
    }

    pub(super) async fn probe(&self) -> ProbeResult {
        let found = match self.connect().await {
            Ok(channel) => self.ask(channel).await,
            Err(error) => Err(chain(&error)),
        };
        match found {
            Ok(ServingStatus::Serving) => {
                ProbeResult::passing(format!("gRPC check {}: success", self.display))
            }
            Ok(other) => {
                let status = other.as_str_name();
                ProbeResult::critical(format!("gRPC check {}: the service is {status}", self.display))
            }
            Err(error) => ProbeResult::critical(format!("gRPC check {}: {error}", self.display)),
        }
    }

    /// Through a connector of ours, since TLS and names are the same for every kind of check.
    async fn connect(&self) -> Result<Channel, tonic::transport::Error> {
        let (target, tls) = (self.target.clone(), self.tls.clone());
        let connector = service_fn(move |_| {
            let (target, tls) = (target.clone(), tls.clone());
            async move { dial(&target, tls.as_ref()).await.map(TokioIo::new) }
        });
        self.endpoint.connect_with_connector(connector).await
    }

    async fn ask(&self, channel: Channel) -> Result<ServingStatus, String> {
        // An answer is a few bytes; a large one is an attack on the agent's memory.
        let mut client = HealthClient::new(channel).max_decoding_message_size(1024);
        let request = HealthCheckRequest { service: self.service.clone() };
        let answer = client.check(request).await.map_err(|status| status.message().to_owned())?;
        Ok(answer.into_inner().status())
    }
}

/// An error with its causes: tonic's own text is only "transport error".
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |e| e.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::super::connect::carry;
    use super::super::testing::{self, TlsServer, free_port};
    use super::*;
    use crate::model::CheckStatus;
    use hyper::server::conn::http2;
    use hyper_util::rt::TokioExecutor;
    use hyper_util::service::TowerToHyperService;
    use tokio::io::{AsyncRead, AsyncWrite};
    use tokio::net::TcpListener;
    use tonic_health::ServingStatus as Serving;

    /// Serves one connection after the other.
    async fn serve<S>(accept: impl AsyncFn() -> Option<S>, services: &[(&str, Serving)])
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (reporter, service) = tonic_health::server::health_reporter();
        for (name, status) in services {
            reporter.set_service_status(*name, *status).await;
        }
        loop {
            let Some(stream) = accept().await else { continue };
            let service = TowerToHyperService::new(service.clone());
            let http2 = http2::Builder::new(TokioExecutor::new());
            let _ = http2.serve_connection(TokioIo::new(stream), service).await;
        }
    }

    #[tokio::test]
    async fn the_service_that_is_asked_for_decides() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let accept = async || listener.accept().await.ok().map(|(stream, _)| stream);
        let services = [("up", Serving::Serving), ("down", Serving::NotServing)];
        let table = [
            ("", CheckStatus::Passing, "success"),
            ("/up", CheckStatus::Passing, "success"),
            ("/down", CheckStatus::Critical, "NOT_SERVING"),
            ("/unknown", CheckStatus::Critical, ""),
        ];
        let ask = async {
            for (service, status, word) in table {
                let target = format!("{address}{service}");
                let prober = GrpcProber::new(&testing::id("c"), &target, None, false).unwrap();
                let result = prober.probe().await;
                assert_eq!(result.status, status, "{service}: {}", result.output);
                assert!(result.output.contains(word), "{}", result.output);
            }
        };
        carry(serve(accept, &services), ask).await;
    }

    #[tokio::test]
    async fn over_tls_the_certificate_must_verify_unless_the_check_says_otherwise() {
        let server = TlsServer::bind(&[b"h2"]).await;
        let address = format!("localhost:{}", server.port());
        let (known, stranger) = (server.client(), CheckTls::new(rustls::RootCertStore::empty()));
        let accept = async || server.accept().await;
        let table = [(known, false, true), (stranger.clone(), false, false), (stranger, true, true)];
        let ask = async {
            for (tls, skip_verify, passes) in table {
                let prober = GrpcProber::new(&testing::id("c"), &address, Some(&tls), skip_verify).unwrap();
                let result = prober.probe().await;
                assert_eq!(result.status == CheckStatus::Passing, passes, "{}", result.output);
            }
        };
        carry(serve(accept, &[]), ask).await;
    }

    #[tokio::test]
    async fn nobody_there_is_critical_with_the_cause() {
        let target = format!("127.0.0.1:{}", free_port());
        let result = GrpcProber::new(&testing::id("c"), &target, None, false).unwrap().probe().await;
        assert_eq!(result.status, CheckStatus::Critical);
        assert!(result.output.contains("refused"), "{}", result.output);
    }
}
