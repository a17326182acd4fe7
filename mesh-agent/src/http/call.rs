use super::ApiError;
use super::deps::Deps;
use super::limits::HttpLimits;
use super::parameters::Parameters;
use super::path;
use super::query_options::QueryOptions;
use super::route::Route;
use super::token::Token;
use crate::acl::{self, Access, Authorizer, Resource};
use crate::filter::{Field, Filter};
use crate::model::{HealthCheck, Intention, NodeName, ServiceName};
use crate::wire::decode;
use axum::body::{Body, Bytes};
use http::{HeaderMap, Method, Request, header, request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::sync::Arc;

/// Routes ask for the kind of permission; only the handler knows the name that it must be for.
const ANY_NAME: &str = "";

/// The name that a route's permission is for, where that is known before the request is looked into.
fn subject<'a>(route: &Route, deps: &'a Deps) -> &'a str {
    match route.access {
        Access::Needs(Resource::Agent, _) => deps.facts.node.as_str(),
        _ => ANY_NAME,
    }
}

/// The connection that a request came on.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    /// The connection is past a limit, and nothing may keep it waiting.
    pub hurried: bool,
}

/// Whence a request came.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub peer: Peer,
    /// How often other nodes have passed it on.
    pub hops: u8,
    /// The node whose agent was asked first, where that is another.
    pub origin: Option<NodeName>,
}

/// One request, read and admitted.
pub struct Call {
    pub deps: Arc<Deps>,
    /// What the path names, decoded; empty where the route names nothing.
    pub name: String,
    pub parameters: Parameters,
    pub options: QueryOptions,
    pub headers: HeaderMap,
    pub caller: Arc<dyn Authorizer>,
    pub body: Bytes,
    pub method: Method,
    /// Path and query, as the caller wrote them.
    pub uri: String,
    /// How often other nodes have passed it on.
    pub hops: u8,
    /// The node whose agent was asked first, which `_agent` stands for.
    pub origin: NodeName,
}

impl Call {
    /// Everything that can be refused is refused before the body is read.
    ///
    /// # Errors
    /// The request is malformed, too large, too slow, or not allowed.
    pub async fn receive(
        route: &Route,
        deps: Arc<Deps>,
        limits: &HttpLimits,
        arrival: Arrival,
        request: Request<Body>,
    ) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let mut call = Self::admit(route, deps, arrival, parts)?;
        if route.body_limit > 0 {
            check_length(&call.headers, route.body_limit)?;
            call.body = read_body(body, route.body_limit, limits).await?;
        }
        Ok(call)
    }

    fn admit(
        route: &Route,
        deps: Arc<Deps>,
        arrival: Arrival,
        parts: request::Parts,
    ) -> Result<Self, ApiError> {
        let parameters = Parameters::parse(parts.uri.query().unwrap_or_default());
        let options = QueryOptions::parse(&parameters, &deps.facts.datacenter, &deps.settings)?;
        if arrival.peer.hurried && (route.streams || options.may_wait()) {
            return Err(ApiError::TooManyConnections);
        }
        let token = Token::of(&parameters, &parts.headers);
        let caller = deps.tokens.authorizer(&token);
        let name = name_in_path(route, parts.uri.path())?;
        acl::enforce(&*caller, route.access, subject(route, &deps))?;
        let (headers, body, hops) = (parts.headers, Bytes::new(), arrival.hops);
        let uri = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let method = route.method.clone();
        let origin = arrival.origin.unwrap_or_else(|| deps.facts.node.clone());
        Ok(Self { deps, name, parameters, options, headers, caller, body, method, uri, hops, origin })
    }

    /// For names that come in the body or the query.
    ///
    /// # Errors
    /// The caller lacks the permission.
    pub fn enforce(&self, access: Access, name: &str) -> Result<(), ApiError> {
        Ok(acl::enforce(&*self.caller, access, name)?)
    }

    /// Whether lists show this node to the caller.
    pub fn sees_node(&self, node: &NodeName) -> bool {
        self.enforce(Access::NODE_READ, node.as_str()).is_ok()
    }

    /// Whether lists show this service to the caller.
    pub fn sees_service(&self, service: &ServiceName) -> bool {
        self.enforce(Access::SERVICE_READ, service.as_str()).is_ok()
    }

    /// Whether lists show this check to the caller: as its service, or as its node.
    pub fn sees_check(&self, check: &HealthCheck) -> bool {
        match &check.service_name {
            Some(service) => self.sees_service(service),
            None => self.sees_node(&check.node),
        }
    }

    /// Whether lists show this intention to the caller.
    pub fn sees_intention(&self, intention: &Intention) -> bool {
        self.enforce(Access::INTENTION_READ, intention.destination.as_str()).is_ok()
    }

    /// The body as a wire type.
    ///
    /// # Errors
    /// The body is not JSON of that type; the error names the field.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        Ok(decode::from_json(&self.body)?)
    }

    /// The `?filter=` of the request, checked against what the resource has.
    ///
    /// # Errors
    /// The expression is not valid for it.
    pub fn filter(&self, fields: &Field) -> Result<Option<Filter>, ApiError> {
        let parse = |text: &String| Filter::parse(text, fields);
        Ok(self.options.filter.as_ref().map(parse).transpose()?)
    }

    /// The name in the path.
    ///
    /// # Errors
    /// There is none; `what` says what is missing.
    pub fn named(&self, what: &str) -> Result<&str, ApiError> {
        if self.name.is_empty() {
            return Err(ApiError::bad_request(format!("Missing {what}")));
        }
        Ok(&self.name)
    }
}

fn name_in_path(route: &Route, path: &str) -> Result<String, ApiError> {
    if !route.named() {
        return Ok(String::new());
    }
    let rest = path.strip_prefix(route.path).unwrap_or_default();
    path::decode(rest).ok_or_else(|| ApiError::bad_request("the path is not UTF-8 once it is decoded"))
}

fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), ApiError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    match length.and_then(|text| text.parse::<usize>().ok()) {
        Some(length) if length > limit => Err(ApiError::BodyTooLarge { limit }),
        _ => Ok(()),
    }
}

async fn read_body(body: Body, limit: usize, limits: &HttpLimits) -> Result<Bytes, ApiError> {
    let collected = tokio::time::timeout(limits.body_timeout, Limited::new(body, limit).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::BodyTooLarge { limit }),
        Ok(Err(error)) => {
            Err(ApiError::bad_request(format!("the request's body could not be read: {error}")))
        }
        Err(_) => Err(ApiError::BodyTimeout { seconds: limits.body_timeout.as_secs() }),
    }
}
