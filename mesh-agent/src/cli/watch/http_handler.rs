use super::handler::HandlerError;
use crate::cli::client::{Client, ClientConfig, Endpoint, TlsFiles};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// Where news are posted to, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpTarget {
    pub url: String,
    /// POST unless given.
    pub method: String,
    /// How long an answer may take.
    pub timeout: Duration,
    pub header: BTreeMap<String, Vec<String>>,
    pub tls_skip_verify: bool,
}

/// An address that gets the news as a request's body.
pub struct HttpHandler {
    client: Client,
    path: String,
    method: Method,
    headers: HeaderMap,
    timeout: Duration,
}

impl HttpHandler {
    /// # Errors
    /// The address, the method or a header is none.
    pub fn new(target: &HttpTarget) -> Result<Self, String> {
        let url = Url::parse(&target.url).map_err(|error| format!("{:?} is no URL: {error}", target.url))?;
        let method = Some(target.method.as_str()).filter(|method| !method.is_empty()).unwrap_or("POST");
        let config = ClientConfig {
            endpoint: endpoint(&url)?,
            token: None,
            basic_auth: None,
            tls: TlsFiles { verify: !target.tls_skip_verify, ..TlsFiles::default() },
        };
        Ok(Self {
            client: Client::new(&config).map_err(|error| error.to_string())?,
            path: url[url::Position::BeforePath..url::Position::AfterQuery].to_owned(),
            method: method.parse().map_err(|_| format!("{method:?} is no HTTP method"))?,
            headers: headers(&target.header)?,
            timeout: target.timeout,
        })
    }

    pub(super) async fn post(&self, news: &str, index: u64) -> Result<(), HandlerError> {
        let mut headers = self.headers.clone();
        headers.insert("x-consul-index", HeaderValue::from(index));
        let sent = self.client.deliver(self.method.clone(), &self.path, headers, news.to_owned());
        match tokio::time::timeout(self.timeout, sent).await {
            Ok(answered) => answered.map_err(|error| HandlerError::Told(error.to_string())),
            Err(_) => Err(HandlerError::Told(format!("{:?} have passed without an answer", self.timeout))),
        }
    }
}

fn endpoint(url: &Url) -> Result<Endpoint, String> {
    let tls = match url.scheme() {
        "http" => false,
        "https" => true,
        other => return Err(format!("{other}:// is neither http:// nor https://")),
    };
    let host = url.host_str().ok_or_else(|| format!("{url} names no host"))?;
    let port = url.port_or_known_default().unwrap_or(80);
    Ok(Endpoint::Tcp { authority: format!("{host}:{port}"), tls })
}

fn headers(given: &BTreeMap<String, Vec<String>>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, values) in given {
        let header: HeaderName = name.parse().map_err(|_| format!("{name:?} is no header's name"))?;
        headers.remove(&header);
        for value in values {
            let value =
                value.parse().map_err(|_| format!("header {name}: {value:?} is no header's value"))?;
            headers.append(&header, value);
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> HttpTarget {
        HttpTarget { url: url.to_owned(), ..HttpTarget::default() }
    }

    #[test]
    fn an_address_is_taken_apart() {
        let handler = HttpHandler::new(&target("https://hooks.example/a/b?c=d#e")).unwrap();
        assert_eq!(handler.path, "/a/b?c=d");
        assert_eq!(handler.client.endpoint().to_string(), "https://hooks.example:443");
        assert_eq!(handler.method, Method::POST);
        let six = HttpHandler::new(&target("http://[::1]:8080/")).unwrap();
        assert_eq!(six.client.endpoint().to_string(), "http://[::1]:8080");
    }

    #[test]
    fn what_is_no_target_says_why() {
        let header = BTreeMap::from([("a b".to_owned(), vec!["c".to_owned()])]);
        for (target, want) in [
            (target("nonsense"), "is no URL"),
            (target("ftp://a/"), "neither http:// nor https://"),
            (HttpTarget { method: "a b".into(), ..target("http://a/") }, "is no HTTP method"),
            (HttpTarget { header, ..target("http://a/") }, "is no header's name"),
        ] {
            let refused = HttpHandler::new(&target).err().unwrap();
            assert!(refused.contains(want), "{refused}");
        }
    }
}
