use super::connect::{HostPort, ProbeError, TlsName, carry, dial};
use super::report::ProbeResult;
use super::{CheckRefused, CheckTls};
use crate::model::CheckId;
use h2::{Ping, client};

/// Passes when an HTTP/2 PING comes back.
#[derive(Debug)]
pub(super) struct H2PingProber {
    target: HostPort,
    tls: Option<TlsName>,
}

impl H2PingProber {
    pub(super) fn new(
        check: &CheckId,
        address: &str,
        tls: Option<&CheckTls>,
        skip_verify: bool,
    ) -> Result<Self, CheckRefused> {
        let target = HostPort::parse(check, address)?;
        let tls = tls.map(|tls| TlsName::new(check, &target.host, tls, skip_verify, b"h2")).transpose()?;
        Ok(Self { target, tls })
    }

    pub(super) async fn probe(&self) -> ProbeResult {
        match self.ping().await {
            Ok(()) => ProbeResult::passing("HTTP2 ping was successful"),
            Err(error) => ProbeResult::critical(format!("HTTP2 ping failed: {error}")),
        }
    }

    async fn ping(&self) -> Result<(), ProbeError> {
        let socket = dial(&self.target, self.tls.as_ref()).await?;
        let (_sender, mut connection) = client::handshake(socket).await?;
        let mut ping_pong = connection.ping_pong().expect("nobody took it yet");
        carry(connection, ping_pong.ping(Ping::opaque())).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, TlsServer};
    use super::*;
    use crate::model::CheckStatus;
    use tokio::io::{AsyncRead, AsyncWrite};
    use tokio::net::TcpListener;

    async fn serve_h2(stream: impl AsyncRead + AsyncWrite + Unpin) {
        if let Ok(mut connection) = h2::server::handshake(stream).await {
            while connection.accept().await.is_some() {}
        }
    }

    #[tokio::test]
    async fn a_plaintext_http2_server_passes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let prober = H2PingProber::new(&testing::id("c"), &address, None, false).unwrap();
        let server = async { serve_h2(listener.accept().await.unwrap().0).await };
        let result = carry(server, prober.probe()).await;
        assert_eq!(result, ProbeResult::passing("HTTP2 ping was successful"));
    }

    #[tokio::test]
    async fn over_tls_the_certificate_must_verify_unless_the_check_says_otherwise() {
        let server = TlsServer::bind(&[b"h2"]).await;
        let address = format!("localhost:{}", server.port());
        let stranger = CheckTls::new(rustls::RootCertStore::empty());
        let table =
            [(server.client(), false, true), (stranger.clone(), false, false), (stranger, true, true)];
        for (tls, skip_verify, passes) in table {
            let prober = H2PingProber::new(&testing::id("c"), &address, Some(&tls), skip_verify).unwrap();
            let serve = async {
                if let Some(stream) = server.accept().await {
                    serve_h2(stream).await;
                }
            };
            let result = carry(serve, prober.probe()).await;
            assert_eq!(result.status == CheckStatus::Passing, passes, "{}", result.output);
        }
    }

    #[tokio::test]
    async fn a_server_that_does_not_speak_http2_is_critical() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let prober = H2PingProber::new(&testing::id("c"), &address, None, false).unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
            std::future::pending::<()>().await;
        };
        assert_eq!(carry(server, prober.probe()).await.status, CheckStatus::Critical);
    }
}
