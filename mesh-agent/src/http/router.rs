use super::ApiError;
use super::answer::Answer;
use super::call::{Arrival, Call};
use super::deps::Deps;
use super::limits::HttpLimits;
use super::pass::answer;
use super::route::Route;
use super::routes::ROUTES;
use axum::body::{Body, HttpBody};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// The one router, made from the one table. Clones share it.
///
/// Our own, since a request's way through a general one costs more than most answers do.
#[derive(Clone)]
pub struct Router(Arc<Shared>);

struct Shared {
    sites: HashMap<&'static str, Site>,
    deps: Arc<Deps>,
    limits: HttpLimits,
}

/// What one path does, by method.
#[derive(Default)]
struct Site {
    routes: Vec<Mounted>,
    /// For whoever asks by another method.
    allow: String,
}

/// A route with where its times are written down.
struct Mounted {
    route: &'static Route,
    times: OnceLock<metrics::Histogram>,
}

/// Where a path leads.
enum Lead<'a> {
    Site(&'a Site),
    Moved(&'a str),
    Nowhere,
}

impl Router {
    pub fn new(deps: &Deps, limits: HttpLimits) -> Self {
        let mut sites: HashMap<&'static str, Site> = HashMap::new();
        for route in ROUTES {
            sites.entry(route.path).or_default().mount(route);
        }
        Self(Arc::new(Shared { sites, deps: Arc::new(deps.clone()), limits }))
    }

    pub async fn answer(&self, arrival: Arrival, request: Request<Body>) -> Response<Body> {
        let site = match self.0.lead(request.uri().path()) {
            Lead::Site(site) => site,
            Lead::Moved(to) => return moved(to),
            Lead::Nowhere => return Answer::from(ApiError::not_found("404 page not found")).into(),
        };
        let Some(mounted) = site.mounted(request.method()) else {
            return site.wrong_method(request.method());
        };
        let only_head = request.method() == Method::HEAD;
        let response = self.0.dispatch(mounted, arrival, request).await;
        if only_head { without_body(response) } else { response }
    }
}

impl Shared {
    /// As in Consul, `/v1/kv/` takes everything below it, and `/v1/kv` leads there unless it is a route itself.
    fn lead<'a>(&'a self, path: &str) -> Lead<'a> {
        if let Some(site) = self.sites.get(path) {
            return Lead::Site(site);
        }
        let parents = path.rmatch_indices('/').map(|(at, slash)| &path[..at + slash.len()]);
        if let Some(site) = parents.filter_map(|parent| self.sites.get(parent)).next() {
            return Lead::Site(site);
        }
        if path == "/" {
            return Lead::Moved("/ui/");
        }
        self.sites.get_key_value(format!("{path}/").as_str()).map_or(Lead::Nowhere, |(to, _)| Lead::Moved(to))
    }

    async fn dispatch(&self, mounted: &Mounted, arrival: Arrival, request: Request<Body>) -> Response<Body> {
        let (route, began) = (mounted.route, Instant::now());
        let answered = match Call::receive(route, self.deps.clone(), &self.limits, arrival, request).await {
            Ok(call) => answer(route, call).await,
            Err(error) => Err(error),
        };
        mounted.times().record(began.elapsed().as_secs_f64() * 1000.0);
        answered.unwrap_or_else(|error| refuse(route, error)).into()
    }
}

impl Site {
    fn mount(&mut self, route: &'static Route) {
        let method = if route.method == Method::GET { "GET,HEAD" } else { route.method.as_str() };
        if !self.allow.is_empty() {
            self.allow.push(',');
        }
        self.allow.push_str(method);
        self.routes.push(Mounted { route, times: OnceLock::new() });
    }

    /// HEAD is answered as GET.
    fn mounted(&self, method: &Method) -> Option<&Mounted> {
        let asked = if method == Method::HEAD { &Method::GET } else { method };
        self.routes.iter().find(|mounted| mounted.route.method == *asked)
    }

    /// Whoever only asks which methods there are is answered by the header.
    fn wrong_method(&self, method: &Method) -> Response<Body> {
        let answer = match *method {
            Method::OPTIONS => Answer::empty(),
            _ => Answer::from(ApiError::MethodNotAllowed { method: method.clone() }),
        };
        answer.with(header::ALLOW, &self.allow).into()
    }
}

impl Mounted {
    /// Looked up once, since finding a series costs more than writing to it.
    fn times(&self) -> &metrics::Histogram {
        self.times.get_or_init(|| {
            let method = Label::from(self.route.method.to_string());
            metrics::histogram!("http.api", &[("method", method), ("path", self.route.path.into())])
        })
    }
}

/// The value of a label.
type Label = metrics::SharedString;

fn refuse(route: &Route, error: ApiError) -> Answer {
    metrics::counter!("http.refused", "status" => error.status().as_u16().to_string()).increment(1);
    if error.status().is_server_error() {
        tracing::warn!(method = %route.method, path = route.path, %error, "a request failed");
    } else {
        tracing::debug!(method = %route.method, path = route.path, %error, "a request was refused");
    }
    error.into()
}

/// The same answer as far as its head goes.
fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}

/// 301, as Go's mux answers.
pub fn moved(to: &str) -> Response<Body> {
    Answer::empty().status(StatusCode::MOVED_PERMANENTLY).with(header::LOCATION, to).into()
}
