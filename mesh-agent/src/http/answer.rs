use super::ApiError;
use axum::body::{Body, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

/// Headers of most answers, so that their table is made once.
const HEADERS: usize = 16;

/// What a handler has to say; the headers that all answers share come later.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

impl Answer {
    /// 200 without a body, which is how writes answer that have nothing to tell.
    pub fn empty() -> Self {
        Self { status: StatusCode::OK, headers: HeaderMap::with_capacity(HEADERS), body: Body::empty() }
    }

    /// # Errors
    /// The value cannot be written as JSON.
    pub fn json(value: &impl Serialize, pretty: bool) -> Result<Self, ApiError> {
        let bytes = if pretty { pretty_json(value) } else { serde_json::to_vec(value) };
        let body = Body::from(bytes.map_err(ApiError::internal)?);
        Ok(Self { body, ..Self::empty() }.with_fixed(header::CONTENT_TYPE, "application/json"))
    }

    pub fn text(text: impl Into<String>) -> Self {
        let answer = Self { body: Body::from(text.into()), ..Self::empty() };
        answer.with(header::CONTENT_TYPE, "text/plain; charset=utf-8")
    }

    /// A stored value as it is.
    pub fn bytes(bytes: Bytes) -> Self {
        let answer = Self { body: Body::from(bytes), ..Self::empty() };
        answer.with(header::CONTENT_TYPE, "text/plain")
    }

    /// A body that grows as long as the client listens.
    pub fn stream(body: Body) -> Self {
        Self { body, ..Self::empty() }.with(header::CONTENT_TYPE, "text/plain; charset=utf-8")
    }

    #[must_use]
    pub fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// A value that is the same in every answer.
    #[must_use]
    pub fn with_fixed(self, name: HeaderName, value: &'static str) -> Self {
        self.with_value(name, HeaderValue::from_static(value))
    }

    #[must_use]
    pub fn with_value(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        // A value that is no header value (a control character in it) is left out.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// Four spaces and a last newline, as Consul's `?pretty`.
fn pretty_json(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b"    "));
    value.serialize(&mut serializer)?;
    bytes.push(b'\n');
    Ok(bytes)
}

impl From<Answer> for Response<Body> {
    fn from(answer: Answer) -> Self {
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        response
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        let line = error.to_string().replace(['\r', '\n'], " ");
        let mut answer = Self::text(line).status(error.status());
        answer.headers.extend(error.headers());
        answer
    }
}

/// What a handler gives back.
pub type Answered = Result<Answer, ApiError>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretty_is_indented_by_four_and_ends_with_a_newline() {
        let text = String::from_utf8(pretty_json(&serde_json::json!({"a": [1]})).unwrap()).unwrap();
        assert_eq!(text, "{\n    \"a\": [\n        1\n    ]\n}\n");
    }
}
