use super::answer::Answer;
use super::browser::{self, is_safe};
use super::call::{Arrival, Peer};
use super::deps::{AgentFacts, Deps, HttpSettings};
use super::limits::HttpLimits;
use super::path::{self, Cleaned};
use super::read::DEFAULT_POLICY;
use super::router::{Router, moved};
use super::{ApiError, CONTENT_SECURITY_POLICY};
use axum::body::Body;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

/// What stands before the routes and sees every request first and every answer last.
#[derive(Clone)]
pub struct Front {
    router: Router,
    facts: Arc<AgentFacts>,
    settings: Arc<HttpSettings>,
}

impl Front {
    pub fn new(deps: &Deps, limits: HttpLimits) -> Self {
        Self { router: Router::new(deps, limits), facts: deps.facts.clone(), settings: deps.settings.clone() }
    }

    pub async fn answer(&self, peer: Peer, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let mut response = match self.turn_away(peer, &request) {
            Some(response) => response,
            None => self.router.answer(Arrival { peer, hops: 0, origin: None }, request).await,
        };
        add_headers(response.headers_mut(), &self.facts, &self.settings);
        Ok(response)
    }

    fn turn_away(&self, peer: Peer, request: &Request<Body>) -> Option<Response<Body>> {
        let client = peer.address.ip();
        if let Err(error) = self.check(client, request) {
            tracing::warn!(%client, %error, "a request was refused");
            return Some(Answer::from(error).into());
        }
        match path::clean(request.uri().path()) {
            Cleaned::Same => None,
            Cleaned::Moved(to) => Some(moved(&with_query(to, request.uri().query()))),
            Cleaned::Invalid => {
                let reason = "the path is not valid: it must decode to UTF-8 without NUL and backslash";
                Some(Answer::from(ApiError::bad_request(reason)).into())
            }
        }
    }
}

impl Front {
    fn check(&self, client: IpAddr, request: &Request<Body>) -> Result<(), ApiError> {
        browser::check(client, request.method(), request.headers(), &self.settings.allowed_hosts)?;
        let (method, path) = (request.method(), request.uri().path());
        if !is_safe(method) && self.settings.writers.as_ref().is_some_and(|may_write| !may_write(client)) {
            let reason =
                format!("Access is restricted: http_config.allow_write_http_from leaves out {client}");
            return Err(ApiError::Forbidden { reason });
        }
        if self.settings.blocked.iter().any(|blocked| path.starts_with(blocked.as_str())) {
            let reason = "Endpoint is blocked by agent configuration".to_owned();
            return Err(ApiError::Forbidden { reason });
        }
        Ok(())
    }
}

fn with_query(path: String, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// Stored values come back to browsers as data: not sniffed, not framed, not run.
fn add_headers(headers: &mut HeaderMap, facts: &AgentFacts, settings: &HttpSettings) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CONTENT_SECURITY_POLICY);
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(DEFAULT_POLICY, HeaderValue::from_static(facts.default_policy.as_str()));
    for (name, value) in &settings.response_headers {
        headers.insert(name.clone(), value.clone());
    }
}
