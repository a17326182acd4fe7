use hickory_proto::rr::Name;
use std::fmt;
use std::str::FromStr;

/// A zone that this agent answers with authority, such as `consul.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain(Name);

/// Why a text is no domain to answer for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("domain {found:?} is not valid: {reason}; want labels such as \"consul\" or \"mesh.example.com\"")]
pub struct DomainError {
    /// As it was given, cut to 64 characters.
    pub found: String,
    pub reason: String,
}

impl Domain {
    /// With or without the final dot; case is ignored.
    ///
    /// # Errors
    /// The text is empty, the root, or no host name.
    pub fn new(text: &str) -> Result<Self, DomainError> {
        let refuse =
            |reason: &str| DomainError { found: text.chars().take(64).collect(), reason: reason.into() };
        let mut name = Name::from_str(text).map_err(|e| refuse(&e.to_string()))?.to_lowercase();
        name.set_fqdn(true);
        if name.is_root() { Err(refuse("it is empty")) } else { Ok(Self(name)) }
    }

    pub(super) fn name(&self) -> &Name {
        &self.0
    }
}

impl FromStr for Domain {
    type Err = DomainError;
    fn from_str(text: &str) -> Result<Self, DomainError> {
        Self::new(text)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_read_with_or_without_its_dot_and_in_any_case() {
        for text in ["consul", "consul.", "CONSUL."] {
            assert_eq!(Domain::new(text).unwrap().to_string(), "consul.");
        }
        assert_eq!(Domain::new("mesh.example.com").unwrap().to_string(), "mesh.example.com.");
    }

    #[test]
    fn the_root_and_malformed_names_are_refused() {
        for bad in ["", ".", "a..b", &"x".repeat(64)] {
            assert!(Domain::new(bad).is_err(), "{bad:?}");
        }
    }
}
