use super::ApiError;
use super::answer::Answer;
use super::call::Call;
use super::deps::Deps;
use super::limits::HttpLimits;
use super::pass::answer;
use super::route::Route;
use super::routes::ROUTES;
use axum::Router;
use axum::body::Body;
use axum::routing::{MethodFilter, MethodRouter, any, on};
use http::{Method, Request, Response, StatusCode, header};
use std::collections::BTreeMap;
use std::time::Instant;

/// The one router, made from the one table.
pub fn router(deps: &Deps, limits: HttpLimits) -> Router {
    let mut by_path: BTreeMap<&'static str, MethodRouter> = BTreeMap::new();
    for route in ROUTES {
        let methods = by_path.entry(route.path).or_insert_with(|| MethodRouter::new().fallback(wrong_method));
        *methods = std::mem::take(methods).merge(method(route, deps, limits));
    }
    let empty = Router::new().route("/", any(to_ui)).fallback(unknown);
    by_path.into_iter().fold(empty, |router, (path, methods)| mount(router, path, methods))
}

fn method(route: &'static Route, deps: &Deps, limits: HttpLimits) -> MethodRouter {
    let deps = deps.clone();
    let filter = MethodFilter::try_from(route.method.clone()).expect("the table has standard methods");
    on(filter, move |request: Request<Body>| dispatch(route, deps.clone(), limits, request))
}

/// As in Consul, `/v1/kv/` takes everything below it, and `/v1/kv` leads there unless it is a route itself.
fn mount(router: Router, path: &'static str, methods: MethodRouter) -> Router {
    let Some(bare) = path.strip_suffix('/') else { return router.route(path, methods) };
    let router = router.route(&format!("{path}{{*name}}"), methods.clone()).route(path, methods);
    if ROUTES.iter().any(|route| route.path == bare) {
        return router;
    }
    router.route(bare, any(move || async move { moved(path) }))
}

async fn dispatch(
    route: &'static Route,
    deps: Deps,
    limits: HttpLimits,
    request: Request<Body>,
) -> Response<Body> {
    let began = Instant::now();
    let answered = match Call::receive(route, deps, &limits, request).await {
        Ok(call) => answer(route, call).await,
        Err(error) => Err(error),
    };
    let labels = [("method", Label::from(route.method.to_string())), ("path", route.path.into())];
    metrics::histogram!("http.api", &labels).record(began.elapsed().as_secs_f64() * 1000.0);
    answered.unwrap_or_else(|error| refuse(route, error)).into()
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

/// Whoever only asks which methods there are is answered by the header that is put on this.
async fn wrong_method(method: Method) -> Response<Body> {
    if method == Method::OPTIONS {
        return Answer::empty().into();
    }
    Answer::from(ApiError::MethodNotAllowed { method }).into()
}

async fn unknown() -> Response<Body> {
    Answer::from(ApiError::not_found("404 page not found")).into()
}

async fn to_ui() -> Response<Body> {
    moved("/ui/")
}

/// 301, as Go's mux answers.
pub fn moved(to: &str) -> Response<Body> {
    Answer::empty().status(StatusCode::MOVED_PERMANENTLY).with(header::LOCATION, to).into()
}
