use super::ApiError;
use super::answer::{Answer, Answered};
use super::call::{Arrival, Call, Peer};
use super::deps::Deps;
use super::limits::HttpLimits;
use super::route::{Place, Route};
use super::router::Router;
use crate::model::Datacenter;
use crate::wire::{PassedAnswer, PassedRequest};
use axum::body::Body;
use http::{HeaderName, Request, Response, StatusCode};
use http_body_util::BodyExt;
use std::net::{Ipv4Addr, SocketAddr};

/// Between nodes, a token travels in this header.
const TOKEN: &str = "x-consul-token";
/// Nobody passes on what was passed on so often: the leader has changed under way.
const MOST_HOPS: u8 = 3;

/// Answers here, or passes the request on to where it is answered.
pub(super) async fn answer(route: &Route, mut call: Call) -> Answered {
    if let Some(primary) = call.deps.facts.primary.clone().filter(|_| route.primary) {
        call.uri = naming(&call.uri, &primary);
        call.options.datacenter = Some(primary).filter(|primary| *primary != call.deps.facts.datacenter);
    }
    if let Some(datacenter) = elsewhere(route, &call) {
        return pass_across(&datacenter, call).await;
    }
    if answers_here(route, &call) { (route.handler)(call).await } else { pass_on(call).await }
}

/// The same request for another datacenter.
fn naming(uri: &str, datacenter: &Datacenter) -> String {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let others = query.split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("dc"));
    let named = format!("dc={datacenter}");
    let pairs: Vec<&str> = others.chain([named.as_str()]).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// Another datacenter that answers it. An agent speaks of itself whatever datacenter is asked for.
fn elsewhere(route: &Route, call: &Call) -> Option<Datacenter> {
    call.options.datacenter.clone().filter(|_| route.in_datacenter())
}

/// Whether this node answers by itself.
fn answers_here(route: &Route, call: &Call) -> bool {
    let deps = &call.deps;
    match route.place {
        Place::Anywhere if route.sorts && call.options.near.is_some() => deps.facts.server,
        Place::Anywhere => true,
        Place::Servers => deps.facts.server,
        Place::Leader => deps.elsewhere.leads_here(),
    }
}

/// Passes a request on to who answers it in this datacenter.
async fn pass_on(call: Call) -> Answered {
    let (request, patience) = (request(&call)?, call.patience());
    let passed = call.deps.elsewhere.pass_on(request, patience).await;
    passed_answer(passed.map_err(ApiError::internal)?)
}

/// Passes a request on to another datacenter.
///
/// # Errors
/// There is no way there.
pub async fn pass_across(datacenter: &Datacenter, call: Call) -> Answered {
    let (request, patience) = (request(&call)?, call.patience());
    let passed = call.deps.elsewhere.pass_across(datacenter, request, patience).await;
    passed_answer(passed.map_err(ApiError::internal)?)
}

fn request(call: &Call) -> Result<PassedRequest, ApiError> {
    let hops = call.hops + 1;
    if hops > MOST_HOPS {
        return Err(ApiError::internal(
            "no server takes this request for its own: the leader is changing, try again",
        ));
    }
    let token = call.headers.get(TOKEN).and_then(|token| token.to_str().ok()).map(str::to_owned);
    Ok(PassedRequest {
        method: call.method.to_string(),
        uri: call.uri.clone(),
        token,
        body: call.body.to_vec(),
        hops,
        origin: Some(call.origin.clone()),
    })
}

fn passed_answer(passed: PassedAnswer) -> Answered {
    let status = StatusCode::from_u16(passed.status).map_err(ApiError::internal)?;
    let mut answer = Answer::bytes(passed.body.into()).status(status);
    for (name, value) in passed.headers {
        if let Ok(name) = HeaderName::try_from(name) {
            answer = answer.with(name, &value);
        }
    }
    Ok(answer)
}

/// The API for requests that other nodes pass on.
#[derive(Clone)]
pub struct Inside(Router);

impl Inside {
    pub fn new(deps: &Deps) -> Self {
        Self(Router::new(deps, HttpLimits::default()))
    }

    /// # Errors
    /// The request is none, or its answer does not end.
    pub async fn answer(&self, request: PassedRequest) -> Result<PassedAnswer, String> {
        let mut built = Request::builder().method(request.method.as_str()).uri(&request.uri);
        if let Some(token) = &request.token {
            built = built.header(TOKEN, token);
        }
        let built = built.body(Body::from(request.body)).map_err(|error| error.to_string())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // The only place where hops are more than none: the door takes them from nobody.
        let peer = Peer { address, hurried: false };
        let arrival = Arrival { peer, hops: request.hops, origin: request.origin };
        taken_apart(self.0.answer(arrival, built).await).await
    }
}

async fn taken_apart(response: Response<Body>) -> Result<PassedAnswer, String> {
    let (parts, body) = response.into_parts();
    let text = |(name, value): (&HeaderName, &http::HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    let headers = parts.headers.iter().filter_map(text).collect();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes().to_vec();
    Ok(PassedAnswer { status: parts.status.as_u16(), headers, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_the_datacenter_that_is_to_answer_it_and_no_other() {
        let primary = Datacenter::new("dc1").unwrap();
        let table = [
            ("/v1/a", "/v1/a?dc=dc1"),
            ("/v1/a?dc=dc2", "/v1/a?dc=dc1"),
            ("/v1/a?x=1&dc=dc2&dc&y=%26", "/v1/a?x=1&y=%26&dc=dc1"),
        ];
        for (uri, wanted) in table {
            assert_eq!(naming(uri, &primary), wanted);
        }
    }
}
