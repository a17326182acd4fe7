use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Why a name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {found:?} is not valid: {rule}")]
pub struct NameError {
    pub kind: &'static str,
    /// The name as it was given, cut to 64 characters.
    pub found: String,
    pub rule: &'static str,
}

impl NameError {
    fn new(kind: &'static str, found: &str, rule: &'static str) -> Self {
        Self { kind, found: found.chars().take(64).collect(), rule }
    }
}

/// Longest name in bytes, for every kind of name.
const MAX: usize = 255;

/// Names that become one SPIFFE path segment: letters, digits, `-`, `_` and `.` (SPIFFE-ID 2.2),
/// which also keeps `/`, `..`, wildcards and control characters out of policies and paths.
fn segment(kind: &'static str, name: &str) -> Result<(), NameError> {
    const RULE: &str = "1 to 255 letters, digits, '-', '_' or '.', and not '.' or '..'";
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let fits = (1..=MAX).contains(&name.len()) && name != "." && name != "..";
    if fits && name.bytes().all(legal) { Ok(()) } else { Err(NameError::new(kind, name, RULE)) }
}

/// Ids that only label things: anything printable.
fn label(kind: &'static str, name: &str) -> Result<(), NameError> {
    const RULE: &str = "1 to 255 bytes without control characters";
    let fits = (1..=MAX).contains(&name.len());
    if fits && !name.chars().any(char::is_control) { Ok(()) } else { Err(NameError::new(kind, name, RULE)) }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// # Errors
            /// [`NameError`] says which rule the name breaks.
            pub fn new(name: &str) -> Result<Self, NameError> {
                $check($kind, name)?;
                Ok(Self(name.into()))
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(&name)
            }
        }
        impl std::str::FromStr for $type {
            type Err = NameError;
            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }
        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().to_owned()
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name!(
    /// The name of a service; also the last segment of its SPIFFE ID.
    ServiceName, "service name", segment
);
name!(
    /// The name of a node, unique in a datacenter.
    NodeName, "node name", segment
);
name!(
    /// The name of a datacenter.
    Datacenter, "datacenter", segment
);
name!(
    /// The id of a service instance, unique on its node.
    ServiceId, "service id", label
);
name!(
    /// The id of a health check, unique on its node.
    CheckId, "check id", label
);

impl ServiceName {
    /// Look-ups ignore case, as Consul's and DNS's do.
    pub fn folded(&self) -> Arc<str> {
        self.0.to_ascii_lowercase().into()
    }
}

impl NodeName {
    /// Look-ups ignore case, as Consul's and DNS's do.
    pub fn folded(&self) -> Arc<str> {
        self.0.to_ascii_lowercase().into()
    }
}

impl From<&ServiceName> for ServiceId {
    /// The id a registration gets when it names none.
    fn from(name: &ServiceName) -> Self {
        Self(name.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_escape_a_path_or_a_policy_are_refused() {
        for bad in
            ["", ".", "..", "a/../b", "a/b", "*", "web*", "a b", "a\n", "wéb", "a%2fb", &"x".repeat(256)]
        {
            assert!(ServiceName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["web", "service-A", "a_b.c", &"x".repeat(255)] {
            assert_eq!(ServiceName::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn ids_may_hold_anything_printable() {
        assert!(ServiceId::new("web:1 / é").is_ok());
        for bad in ["", "a\0b", "a\nb"] {
            assert!(CheckId::new(bad).is_err(), "{bad:?}");
        }
    }
}
