use url::form_urlencoded::Serializer;

/// The query part of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(&'static str, String)>);

impl Query {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.push((key, value.into()));
        self
    }

    /// Absent and empty values are left out.
    #[must_use]
    pub fn with_some(self, key: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) if !value.is_empty() => self.with(key, value),
            _ => self,
        }
    }

    /// Waits on the server until the answer is newer than `index`, at most for `seconds`.
    #[must_use]
    pub fn blocking(self, index: u64, seconds: u64) -> Self {
        self.with("index", index.to_string()).with("wait", format!("{seconds}s"))
    }

    pub(super) fn is_blocking(&self) -> bool {
        self.0.iter().any(|(key, _)| matches!(*key, "index" | "hash"))
    }

    /// `path?a=b`.
    pub(super) fn apply(&self, path: &str) -> String {
        if self.0.is_empty() {
            return path.to_owned();
        }
        let query = Serializer::new(String::new()).extend_pairs(&self.0).finish();
        format!("{path}?{query}")
    }
}

/// A name as one segment of a path.
pub fn segment(name: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let encode = |byte: u8| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_and_absent_ones_left_out() {
        let query = Query::new().with_some("dc", None).with_some("ns", Some("")).with("filter", "a == \"b\"");
        assert_eq!(query.apply("/v1/x"), "/v1/x?filter=a+%3D%3D+%22b%22");
        assert_eq!(Query::new().apply("/v1/x"), "/v1/x");
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("web/../x?y"), "web%2F..%2Fx%3Fy");
    }
}
