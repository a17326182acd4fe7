use super::parameters::Parameters;
use http::HeaderMap;
use std::fmt;

/// The secret that a request came with, or empty. It shows neither in logs nor in errors.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// `?token=` before `X-Consul-Token` before `Authorization: Bearer`.
    pub fn of(parameters: &Parameters, headers: &HeaderMap) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = || header("authorization").and_then(|v| v.strip_prefix("Bearer ")).map(str::trim);
        let token = parameters.filled("token").or_else(|| header("x-consul-token")).or_else(bearer);
        Self(token.unwrap_or_default().to_owned())
    }

    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Token(none)" } else { "Token(hidden)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_a_token_is_read_in_order() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer third".parse().unwrap());
        assert_eq!(Token::of(&Parameters::default(), &headers).secret(), "third");
        headers.insert("x-consul-token", "second".parse().unwrap());
        assert_eq!(Token::of(&Parameters::default(), &headers).secret(), "second");
        assert_eq!(Token::of(&Parameters::parse("token=first"), &headers).secret(), "first");
    }

    #[test]
    fn a_token_does_not_show_when_printed() {
        assert!(!format!("{:?}", Token("s3cret".into())).contains("s3cret"));
    }
}
