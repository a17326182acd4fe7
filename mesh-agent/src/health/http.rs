use super::connect::{BoxedSocket, HostPort, ProbeError, TlsName, carry, dial};
use super::output::capped;
use super::report::ProbeResult;
use super::{CheckRefused, CheckTls};
use crate::model::CheckId;
use ::http::header::{ACCEPT, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use ::http::{Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// Asks for a URL over a connection of its own and judges the status line. A redirect is an answer
/// like any other: a check must not be a way to make the agent call addresses it was not given.
#[derive(Debug)]
pub(super) struct HttpProber {
    url: String,
    target: HostPort,
    tls: Option<TlsName>,
    request: Request<Full<Bytes>>,
    output_max_size: usize,
}

/// The parts of an HTTP check's definition.
pub(super) struct HttpSpec<'a> {
    pub(super) url: &'a str,
    pub(super) method: &'a str,
    pub(super) headers: &'a BTreeMap<String, Vec<String>>,
    pub(super) body: &'a str,
    pub(super) tls_server_name: &'a str,
    pub(super) tls_skip_verify: bool,
    pub(super) output_max_size: usize,
}

impl HttpProber {
    pub(super) fn new(check: &CheckId, spec: &HttpSpec<'_>, tls: &CheckTls) -> Result<Self, CheckRefused> {
        let url = parse_url(check, spec.url)?;
        let target = target_of(check, &url)?;
        let tls = match url.scheme() {
            "https" => Some(tls_of(check, spec, &target, tls)?),
            _ => None,
        };
        let request = Request::builder()
            .method(method_of(check, spec.method)?)
            .uri(&url[url::Position::BeforePath..url::Position::AfterQuery])
            .body(Full::new(Bytes::copy_from_slice(spec.body.as_bytes())));
        let mut request = request.map_err(|error| refused_url(check, spec.url, &error))?;
        *request.headers_mut() = headers_of(check, &url, spec.headers)?;
        Ok(Self { url: spec.url.to_owned(), target, tls, request, output_max_size: spec.output_max_size })
    }

    /// The status line must come before the deadline. A body that does not end by then is cut.
    pub(super) async fn probe(&self, deadline: Instant) -> ProbeResult {
        match timeout_at(deadline, self.connect()).await {
            Err(_) => self.failed(&"timed out"),
            Ok(Err(error)) => self.failed(&error),
            Ok(Ok((sender, connection))) => carry(connection, self.exchange(sender, deadline)).await,
        }
    }

    async fn connect(&self) -> Result<(Sender, Connection), ProbeError> {
        let socket = dial(&self.target, self.tls.as_ref()).await?;
        Ok(http1::handshake(TokioIo::new(socket)).await?)
    }

    async fn exchange(&self, mut sender: Sender, deadline: Instant) -> ProbeResult {
        match timeout_at(deadline, sender.send_request(self.request.clone())).await {
            Err(_) => self.failed(&"timed out"),
            Ok(Err(error)) => self.failed(&error),
            Ok(Ok(response)) => self.judge(response, deadline).await,
        }
    }

    async fn judge(&self, response: Response<Incoming>, deadline: Instant) -> ProbeResult {
        let status = response.status();
        let body = read_capped(response.into_body(), self.output_max_size, deadline).await;
        let output = format!("HTTP {} {}: {status} Output: {body}", self.request.method(), self.url);
        match status {
            s if s.is_success() => ProbeResult::passing(output),
            StatusCode::TOO_MANY_REQUESTS => ProbeResult::warning(output),
            _ => ProbeResult::critical(output),
        }
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> ProbeResult {
        ProbeResult::critical(format!("HTTP {} {}: {why}", self.request.method(), self.url))
    }
}

type Sender = SendRequest<Full<Bytes>>;
type Connection = http1::Connection<TokioIo<BoxedSocket>, Full<Bytes>>;

/// Stops reading at the cap: what comes after it is nobody's, and may never end.
async fn read_capped(mut body: Incoming, limit: usize, deadline: Instant) -> String {
    let mut kept = Vec::new();
    while kept.len() < limit {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => kept.extend_from_slice(frame.data_ref().map_or(&[], |d| d.as_ref())),
            Ok(None) => break,
            Ok(Some(Err(_))) | Err(_) => {
                tracing::debug!("the body of a health check's answer broke off or took too long");
                break;
            }
        }
    }
    kept.truncate(limit);
    capped(String::from_utf8_lossy(&kept).into_owned(), limit)
}

fn refused_url(check: &CheckId, url: &str, reason: &dyn std::fmt::Display) -> CheckRefused {
    CheckRefused::Url { check: check.clone(), url: url.to_owned(), reason: reason.to_string() }
}

fn parse_url(check: &CheckId, text: &str) -> Result<Url, CheckRefused> {
    let url = Url::parse(text).map_err(|error| refused_url(check, text, &error))?;
    match url.scheme() {
        // The output, with the URL in it, is for everybody who may read health.
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
            Err(refused_url(check, text, &"credentials belong in an Authorization header"))
        }
        "http" | "https" => Ok(url),
        other => Err(refused_url(check, text, &format!("scheme {other:?}"))),
    }
}

fn target_of(check: &CheckId, url: &Url) -> Result<HostPort, CheckRefused> {
    let missing = || refused_url(check, url.as_str(), &"no host or port");
    let host = url.host_str().ok_or_else(missing)?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(HostPort { host, port: url.port_or_known_default().filter(|p| *p != 0).ok_or_else(missing)? })
}

fn tls_of(
    check: &CheckId,
    spec: &HttpSpec<'_>,
    target: &HostPort,
    tls: &CheckTls,
) -> Result<TlsName, CheckRefused> {
    let name = if spec.tls_server_name.is_empty() { &target.host } else { spec.tls_server_name };
    TlsName::new(check, name, tls, spec.tls_skip_verify, b"http/1.1")
}

fn method_of(check: &CheckId, method: &str) -> Result<Method, CheckRefused> {
    let method = if method.is_empty() { "GET" } else { method };
    Method::from_bytes(method.as_bytes()).map_err(|_| CheckRefused::Request {
        check: check.clone(),
        what: "the method",
        found: method.to_owned(),
        rule: "a method is one word such as GET or HEAD",
    })
}

fn headers_of(
    check: &CheckId,
    url: &Url,
    given: &BTreeMap<String, Vec<String>>,
) -> Result<HeaderMap, CheckRefused> {
    let mut headers = default_headers(check, url)?;
    for (name, values) in given {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad_header(check, name))?;
        headers.remove(&parsed);
        for value in values {
            let value = HeaderValue::from_str(value).map_err(|_| bad_header(check, name))?;
            headers.append(parsed.clone(), value);
        }
    }
    Ok(headers)
}

fn bad_header(check: &CheckId, name: &str) -> CheckRefused {
    CheckRefused::Request {
        check: check.clone(),
        what: "the header",
        found: name.to_owned(),
        rule: "names are words, values hold no control characters",
    }
}

fn default_headers(check: &CheckId, url: &Url) -> Result<HeaderMap, CheckRefused> {
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let host = HeaderValue::from_str(host).map_err(|error| refused_url(check, url.as_str(), &error))?;
    Ok(HeaderMap::from_iter([
        (HOST, host),
        (USER_AGENT, HeaderValue::from_static("mesh health check")),
        (ACCEPT, HeaderValue::from_static("text/plain, text/*, */*")),
        (CONNECTION, HeaderValue::from_static("close")),
    ]))
}

#[cfg(test)]
mod tests;
