use super::ApiError;
use http::{HeaderMap, Method, header};
use std::net::IpAddr;

/// The names under which browsers on this host may reach the API, besides IP addresses and `localhost`.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Names are compared without case; `.example.com` stands for every name below it.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    fn includes(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let local = host == "localhost" || host.ends_with(".localhost");
        local || is_address(&host) || self.0.iter().any(|name| matches(name, &host))
    }
}

fn matches(name: &str, host: &str) -> bool {
    if name.starts_with('.') { host.ends_with(name) } else { host == name }
}

fn is_address(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

/// Keeps web pages of other sites from using a browser to reach this API.
///
/// A page that rebinds its own name to 127.0.0.1 is known by its `Host`: a client on this host has no
/// reason to call us by a foreign name. A page that writes across sites is known by its `Origin`.
///
/// # Errors
/// [`ApiError::Forbidden`] names the header.
pub fn check(
    client: IpAddr,
    method: &Method,
    headers: &HeaderMap,
    allowed: &AllowedHosts,
) -> Result<(), ApiError> {
    let host = text(headers, header::HOST).unwrap_or_default();
    if client.to_canonical().is_loopback() && !host.is_empty() && !allowed.includes(without_port(host)) {
        return Err(forbidden(format!(
            "Host {host:?} is not a name of this agent: use an IP address or localhost, or add the name to http_config.allowed_hosts"
        )));
    }
    if is_safe(method) || same_site(headers, host) {
        return Ok(());
    }
    Err(forbidden(format!("{method} from a page of another site is refused: the Origin is not {host:?}")))
}

/// Only asks.
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn forbidden(reason: String) -> ApiError {
    ApiError::Forbidden { reason }
}

fn same_site(headers: &HeaderMap, host: &str) -> bool {
    if text(headers, header::HeaderName::from_static("sec-fetch-site")) == Some("cross-site") {
        return false;
    }
    match headers.get(header::ORIGIN) {
        None => true,
        Some(origin) => {
            let origin = origin.to_str().unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        }
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `[::1]:8500` → `[::1]`, `name:8500` → `name`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn asked(client: IpAddr, method: &Method, pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        let allowed = AllowedHosts::new(["node-1".to_owned(), ".mesh.example".to_owned()]);
        check(client, method, &headers, &allowed).is_ok()
    }

    #[test]
    fn a_foreign_host_is_refused_on_loopback() {
        let table = [
            ("127.0.0.1:8500", true),
            ("[::1]:8500", true),
            ("localhost", true),
            ("LOCALHOST:8500", true),
            ("app.localhost:8500", true),
            ("node-1:8500", true),
            ("a.mesh.example", true),
            ("evil.example:8500", false),
            ("mesh.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
        ];
        for (host, want) in table {
            for client in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
                assert_eq!(asked(client, &Method::GET, &[("host", host)]), want, "{host}");
            }
        }
        assert!(asked("10.0.0.5".parse().unwrap(), &Method::GET, &[("host", "consul.example")]));
        assert!(asked(Ipv4Addr::LOCALHOST.into(), &Method::GET, &[]));
    }

    #[test]
    fn a_write_from_another_site_is_refused() {
        let table = [
            (vec![("host", "127.0.0.1:8500")], true),
            (vec![("host", "127.0.0.1:8500"), ("origin", "http://127.0.0.1:8500")], true),
            (vec![("host", "127.0.0.1:8500"), ("origin", "http://127.0.0.1:9999")], false),
            (vec![("host", "127.0.0.1:8500"), ("origin", "https://evil.example")], false),
            (vec![("host", "127.0.0.1:8500"), ("origin", "null")], false),
            (vec![("host", "127.0.0.1:8500"), ("sec-fetch-site", "cross-site")], false),
        ];
        for (headers, want) in table {
            assert_eq!(asked(Ipv4Addr::LOCALHOST.into(), &Method::PUT, &headers), want, "{headers:?}");
            assert!(asked(Ipv4Addr::LOCALHOST.into(), &Method::GET, &headers), "{headers:?}");
        }
    }
}
