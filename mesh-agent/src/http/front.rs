use super::answer::Answer;
use super::browser;
use super::call::Peer;
use super::deps::{AgentFacts, Deps};
use super::limits::HttpLimits;
use super::path::{self, Cleaned};
use super::read::DEFAULT_POLICY;
use super::router::{moved, router};
use super::{ApiError, CONTENT_SECURITY_POLICY};
use axum::Router;
use axum::body::Body;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use std::convert::Infallible;
use std::sync::Arc;
use tower::ServiceExt;

/// What stands before the routes and sees every request first and every answer last.
#[derive(Clone)]
pub struct Front {
    router: Router,
    facts: Arc<AgentFacts>,
}

impl Front {
    pub fn new(deps: &Deps, limits: HttpLimits) -> Self {
        Self { router: router(deps, limits), facts: deps.facts.clone() }
    }

    pub async fn answer(self, peer: Peer, mut request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let facts = self.facts.clone();
        let mut response = match self.turn_away(peer, &request) {
            Some(response) => response,
            None => {
                request.extensions_mut().insert(peer);
                self.router.oneshot(request).await?
            }
        };
        add_headers(response.headers_mut(), &facts);
        Ok(response)
    }

    fn turn_away(&self, peer: Peer, request: &Request<Body>) -> Option<Response<Body>> {
        let client = peer.address.ip();
        if let Err(error) =
            browser::check(client, request.method(), request.headers(), &self.facts.allowed_hosts)
        {
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

fn with_query(path: String, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// Stored values come back to browsers as data: not sniffed, not framed, not run.
fn add_headers(headers: &mut HeaderMap, facts: &AgentFacts) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CONTENT_SECURITY_POLICY);
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(DEFAULT_POLICY, HeaderValue::from_static(facts.default_policy.as_str()));
    for (name, value) in &facts.response_headers {
        headers.insert(name.clone(), value.clone());
    }
}
