use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What a path segment may not hold as it is.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub enum Cleaned {
    /// It is clean.
    Same,
    /// The client should ask for this path, percent-encoded.
    Moved(String),
    /// It does not decode to text, or holds a NUL or a backslash.
    Invalid,
}

/// One normaliser before routing and policy: `.`, `..` and repeated slashes are never looked at further,
/// however they are encoded.
pub fn clean(path: &str) -> Cleaned {
    if is_plain(path) {
        return Cleaned::Same;
    }
    let Some(decoded) = decode(path) else { return Cleaned::Invalid };
    if decoded.contains(['\0', '\\']) || !decoded.starts_with('/') {
        return Cleaned::Invalid;
    }
    let clean = resolve(&decoded);
    if clean == decoded {
        return Cleaned::Same;
    }
    Cleaned::Moved(utf8_percent_encode(&clean, ESCAPED).to_string())
}

/// There is nothing in it that could be anything but itself.
fn is_plain(path: &str) -> bool {
    path.starts_with('/') && !path.contains(['%', '\\', '\0']) && !path.contains("//") && !path.contains("/.")
}

pub fn decode(path: &str) -> Option<String> {
    percent_decode_str(path).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// An absolute path without empty, `.` and `..` segments; a slash at the end stays.
fn resolve(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_paths_stay() {
        for path in ["/", "/v1/status/leader", "/v1/health/service/", "/v1/a/b%20c", "/v1/a/b%2Fc", "/v1/..x"]
        {
            assert_eq!(clean(path), Cleaned::Same, "{path}");
        }
    }

    #[test]
    fn paths_that_climb_or_repeat_slashes_are_moved_however_encoded() {
        let table = [
            ("//", "/"),
            ("/v1//kv/a", "/v1/kv/a"),
            ("/v1/kv/../acl", "/v1/acl"),
            ("/v1/kv/%2e%2e/acl", "/v1/acl"),
            ("/v1/kv/x%2f..%2f..%2facl/", "/v1/acl/"),
            ("/../../etc", "/etc"),
            ("/v1/./status", "/v1/status"),
            ("/v1/a%20b//c%3f", "/v1/a%20b/c%3F"),
            ("/v1/x/..", "/v1"),
        ];
        for (path, want) in table {
            assert_eq!(clean(path), Cleaned::Moved(want.to_owned()), "{path}");
        }
    }

    #[test]
    fn paths_that_are_no_text_are_refused() {
        for path in ["/v1/%ff", "/v1/a%00", "/v1/a%5cb", "*", ""] {
            assert_eq!(clean(path), Cleaned::Invalid, "{path}");
        }
    }
}
