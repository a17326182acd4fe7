use super::{CheckRefused, CheckTls};
use crate::model::CheckId;
use crate::pki::explain;
use futures_util::future::{Either, select};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// `host:port`, not yet resolved: every probe looks the name up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPort {
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
}

impl HostPort {
    pub(super) fn parse(check: &CheckId, text: &str) -> Result<Self, CheckRefused> {
        let refused = || CheckRefused::Address { check: check.clone(), address: text.to_owned() };
        let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
        let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let port: u16 = port.parse().map_err(|_| refused())?;
        // A bare IPv6 address leaves it open where the port begins.
        let ambiguous = bracketed.is_none() && host.contains(':');
        if host.is_empty() || port == 0 || ambiguous {
            return Err(refused());
        }
        Ok(Self { host: host.to_owned(), port })
    }

    pub(super) async fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// The name to ask for and to verify in a TLS handshake.
#[derive(Clone, Debug)]
pub(super) struct TlsName {
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl TlsName {
    pub(super) fn new(
        check: &CheckId,
        name: &str,
        tls: &CheckTls,
        skip_verify: bool,
        alpn: &[u8],
    ) -> Result<Self, CheckRefused> {
        let refused = |_| CheckRefused::TlsName { check: check.clone(), name: name.to_owned() };
        let parsed = ServerName::try_from(name.to_owned()).map_err(refused)?;
        Ok(Self { name: parsed, config: tls.config(skip_verify, alpn) })
    }
}

/// Why a probe over a connection failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProbeError {
    #[error(transparent)]
    Dial(#[from] io::Error),
    #[error(transparent)]
    Http1(#[from] hyper::Error),
    #[error(transparent)]
    Http2(#[from] h2::Error),
}

/// A connected byte stream, with TLS or without.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Socket for T {}
pub(super) type BoxedSocket = Pin<Box<dyn Socket>>;

/// Connects, and secures the connection where the check wants TLS.
pub(super) async fn dial(to: &HostPort, tls: Option<&TlsName>) -> io::Result<BoxedSocket> {
    let stream = to.connect().await?;
    let Some(tls) = tls else { return Ok(Box::pin(stream)) };
    let secured = TlsConnector::from(tls.config.clone()).connect(tls.name.clone(), stream).await;
    Ok(Box::pin(secured.map_err(in_words)?))
}

/// What the TLS library wraps into an error of the socket, for a person to read.
fn in_words(error: io::Error) -> io::Error {
    let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match of_tls.map(explain) {
        Some(words) => io::Error::new(error.kind(), words),
        None => error,
    }
}

/// Runs `exchange` to its end while `connection` moves its bytes, so that no task outlives the probe.
///
/// A connection that ends first is dropped at once: that is how the exchange learns of it.
pub(super) async fn carry<T>(connection: impl Future, exchange: impl Future<Output = T>) -> T {
    match select(pin!(exchange), Box::pin(connection)).await {
        Either::Left((answer, _)) => answer,
        Either::Right((_, exchange)) => exchange.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_host_and_port() {
        let check = CheckId::new("c").unwrap();
        let table = [
            ("127.0.0.1:80", Some(("127.0.0.1", 80))),
            ("[::1]:80", Some(("::1", 80))),
            ("db.internal:5432", Some(("db.internal", 5432))),
            ("::1:80", None),
            ("localhost", None),
            (":80", None),
            ("host:0", None),
            ("host:65536", None),
            ("host:http", None),
            ("", None),
        ];
        for (text, expected) in table {
            let found = HostPort::parse(&check, text).ok();
            let found = found.as_ref().map(|a| (a.host.as_str(), a.port));
            assert_eq!(found, expected, "{text}");
        }
    }
}
