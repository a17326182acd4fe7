use super::ApiError;

/// The query part of a URL, decoded; names may repeat.
#[derive(Clone, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The first value of a name, unless it is empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// `?name`, `?name=true` … or absent.
    ///
    /// # Errors
    /// The value is not a boolean.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(false),
            Some("") => Ok(true),
            Some(value) => boolean(name, value),
        }
    }

    /// # Errors
    /// The parameter is missing or empty.
    pub fn required(&self, name: &'static str) -> Result<&str, ApiError> {
        self.filled(name)
            .ok_or_else(|| ApiError::bad_request(format!("required query parameter '{name}' not set")))
    }
}

/// The spellings that Go's clients send.
fn boolean(name: &str, value: &str) -> Result<bool, ApiError> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(ApiError::bad_request(format!("Invalid value for ?{name}: {value:?} is not true or false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_may_repeat() {
        let p = Parameters::parse("tag=a&tag=b%20c&empty&name=%2A");
        assert_eq!(p.all("tag").collect::<Vec<_>>(), ["a", "b c"]);
        assert_eq!(p.get("name"), Some("*"));
        assert!(p.has("empty") && p.filled("empty").is_none());
    }

    #[test]
    fn a_flag_is_true_by_being_there() {
        let table = [("passing", true), ("passing=true", true), ("passing=0", false), ("", false)];
        for (query, want) in table {
            assert_eq!(Parameters::parse(query).flag("passing").unwrap(), want, "{query}");
        }
        assert!(Parameters::parse("passing=maybe").flag("passing").is_err());
    }
}
