use http::{HeaderMap, HeaderName, HeaderValue};

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    One,
    Frames,
    /// The body is the reason.
    Refusal,
}

const KIND: HeaderName = HeaderName::from_static("mesh-reply");

impl Kind {
    pub(super) fn write(self, headers: &mut HeaderMap) {
        let text = match self {
            Self::One => "one",
            Self::Frames => "frames",
            Self::Refusal => "refusal",
        };
        headers.insert(KIND, HeaderValue::from_static(text));
    }

    /// Whatever is not known is no answer.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        match headers.get(KIND)?.as_bytes() {
            b"one" => Some(Self::One),
            b"frames" => Some(Self::Frames),
            b"refusal" => Some(Self::Refusal),
            _ => None,
        }
    }
}

/// Reasons are for people: the most that is sent or read of one, in bytes.
pub(super) const REASON: usize = 4096;
