use super::config::{ClientConfig, Endpoint};
use super::connector::Connector;
use super::error::ClientError;
use super::query::Query;
use base64::Engine;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The most that an answer may hold, in bytes.
const ANSWER_LIMIT: usize = 256 * 1024 * 1024;

/// The most of an error's text that is shown, in bytes.
const ERROR_LIMIT: usize = 16 * 1024;

/// How long an ordinary request may take. Blocking ones add the time that they may wait, at most 10 minutes.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);
const BLOCKING_LIMIT: Duration = Duration::from_secs(11 * 60);

/// Talks to one agent, over connections that are used again.
#[derive(Clone)]
pub struct Client {
    pool: Pool<Connector, Full<Bytes>>,
    endpoint: Endpoint,
    token: Option<HeaderValue>,
    authorization: Option<HeaderValue>,
}

/// What an agent answered.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// `X-Consul-Index`: give it to [`Query::blocking`] to wait for something newer. 0 where absent.
    pub index: u64,
    /// `X-Consul-ContentHash`, for the endpoints that block on it.
    pub hash: Option<String>,
    pub value: T,
}

impl Client {
    /// # Errors
    /// A TLS file cannot be used, or the token is no header value.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        let basic =
            |text: &String| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
        Ok(Self {
            pool: Pool::builder(TokioExecutor::new()).build(Connector::new(config)?),
            endpoint: config.endpoint.clone(),
            token: config.token.as_deref().map(secret).transpose()?,
            authorization: config.basic_auth.as_ref().map(basic).as_deref().map(secret).transpose()?,
        })
    }

    /// Where the agent is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Query,
    ) -> Result<Answer<T>, ClientError> {
        let response = self.send(Method::GET, path, query, None).await?;
        let (index, hash) = marks(&response);
        let body = self.whole(Method::GET, path, response).await?;
        let value = decode(path, &body)?;
        Ok(Answer { index, hash, value })
    }

    /// The same where the thing may not exist: its answer tells the index to wait for it with.
    pub(super) async fn get_found<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Query,
    ) -> Result<Answer<Option<T>>, ClientError> {
        let response = self.answered(Method::GET, path, query, None).await?;
        let (index, hash) = marks(&response);
        if response.status() == StatusCode::NOT_FOUND && index > 0 {
            return Ok(Answer { index, hash, value: None });
        }
        let body = self.whole(Method::GET, path, successful(response).await?).await?;
        Ok(Answer { index, hash, value: Some(decode(path, &body)?) })
    }

    /// Sends bytes as they are, and receives them so.
    pub(super) async fn exchange(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<Bytes>,
    ) -> Result<Bytes, ClientError> {
        let response = self.send(method.clone(), path, query, body).await?;
        self.whole(method, path, response).await
    }

    /// The answer's text.
    pub(super) async fn put(
        &self,
        path: &str,
        query: &Query,
        body: &serde_json::Value,
    ) -> Result<Bytes, ClientError> {
        self.call(Method::PUT, path, query, Some(body)).await
    }

    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<&serde_json::Value>,
    ) -> Result<Bytes, ClientError> {
        let body = body.filter(|body| !body.is_null()).map(|body| Bytes::from(body.to_string()));
        self.exchange(method, path, query, body).await
    }

    /// Sends text with headers of one's own; what is answered does not matter, as long as it is no refusal.
    pub(in crate::cli) async fn deliver(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: String,
    ) -> Result<(), ClientError> {
        let mut request = self.request(&method, path, &Query::new(), Some(Bytes::from(body)))?;
        request.headers_mut().extend(headers);
        let answered = self.pool.request(request).await;
        let answered = answered.map_err(|error| self.unanswered(&method, path, &error))?;
        successful(answered).await.map(drop)
    }

    /// Hands on an answer that does not end, piece by piece as it comes.
    ///
    /// # Errors
    /// The agent refuses or goes away, or `take` fails.
    pub async fn follow(
        &self,
        path: &str,
        query: &Query,
        mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), ClientError> {
        let mut body = self.send(Method::GET, path, query, None).await?.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.broken(&Method::GET, path, &error))?;
            if let Some(data) = frame.data_ref() {
                take(data).map_err(|source| ClientError::Write { source })?;
            }
        }
        Ok(())
    }

    /// The head of a successful answer.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<Bytes>,
    ) -> Result<Response<Incoming>, ClientError> {
        successful(self.answered(method, path, query, body).await?).await
    }

    /// The head of an answer, whatever it says.
    async fn answered(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<Bytes>,
    ) -> Result<Response<Incoming>, ClientError> {
        let request = self.request(&method, path, query, body)?;
        let limit = if query.is_blocking() { BLOCKING_LIMIT } else { REQUEST_LIMIT };
        let answered = tokio::time::timeout(limit, self.pool.request(request)).await;
        let late = || ClientError::TimedOut {
            method: method.to_string(),
            path: path.to_owned(),
            address: self.endpoint.to_string(),
            limit,
        };
        answered.map_err(|_| late())?.map_err(|error| self.unanswered(&method, path, &error))
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        query: &Query,
        body: Option<Bytes>,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let authority = match &self.endpoint {
            Endpoint::Tcp { authority, .. } => authority.as_str(),
            Endpoint::Unix(_) => "localhost",
        };
        let uri = format!("http://{authority}{}", query.apply(path));
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .body(Full::new(body.unwrap_or_default()))
            .map_err(|error| ClientError::Request { path: path.to_owned(), reason: error.to_string() })?;
        let headers = [("x-consul-token", &self.token), ("authorization", &self.authorization)];
        for (name, value) in headers {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.clone());
            }
        }
        Ok(request)
    }

    pub(super) async fn whole(
        &self,
        method: Method,
        path: &str,
        response: Response<Incoming>,
    ) -> Result<Bytes, ClientError> {
        let collected =
            tokio::time::timeout(REQUEST_LIMIT, Limited::new(response.into_body(), ANSWER_LIMIT).collect());
        match collected.await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ClientError::TooLarge {
                method: method.to_string(),
                path: path.to_owned(),
                limit: ANSWER_LIMIT,
            }),
            Ok(Err(error)) => Err(self.broken(&method, path, error.as_ref())),
            Err(late) => Err(self.broken(&method, path, &late)),
        }
    }

    fn unanswered(
        &self,
        method: &Method,
        path: &str,
        error: &hyper_util::client::legacy::Error,
    ) -> ClientError {
        if error.is_connect() {
            return ClientError::Connect { address: self.endpoint.to_string(), reason: innermost(error) };
        }
        self.broken(method, path, error)
    }

    fn broken(&self, method: &Method, path: &str, error: &dyn std::error::Error) -> ClientError {
        ClientError::Transfer {
            method: method.to_string(),
            path: path.to_owned(),
            address: self.endpoint.to_string(),
            reason: innermost(error),
        }
    }
}

pub(super) fn decode<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|source| ClientError::Decode { path: path.to_owned(), source })
}

/// Index and hash.
fn marks(response: &Response<Incoming>) -> (u64, Option<String>) {
    let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let index = header("x-consul-index").and_then(|text| text.parse().ok()).unwrap_or(0);
    (index, header("x-consul-contenthash"))
}

async fn successful(response: Response<Incoming>) -> Result<Response<Incoming>, ClientError> {
    if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
}

async fn refusal(response: Response<Incoming>) -> ClientError {
    let status = response.status().as_u16();
    let text = Limited::new(response.into_body(), ERROR_LIMIT).collect().await;
    let text =
        text.map(|body| String::from_utf8_lossy(&body.to_bytes()).trim().to_owned()).unwrap_or_default();
    ClientError::Status { status, body: text }
}

fn secret(text: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| ClientError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The cause of all the others says most.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
