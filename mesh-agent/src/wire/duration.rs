use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time as Go writes it: `10s`, `1h30m`, `1.5h`, `250ms`. Never negative.
///
/// In API bodies a bare integer counts nanoseconds; in configuration files a unit must be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(pub Duration);

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "duration {found:?} is not valid: want numbers with units (ns, us, ms, s, m, h), such as \"10s\" or \"1h30m\""
)]
pub struct DurationError {
    /// Cut to 64 characters.
    found: String,
}

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl GoDuration {
    pub(super) const NAME: &'static str = "GoDuration";
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let bare = text.strip_prefix('+').unwrap_or(text);
        let nanos = if bare == "0" { Some(0) } else { parse(bare) };
        let nanos = nanos.and_then(|nanos| u64::try_from(nanos).ok());
        // Go counts in i64: what it cannot hold would not survive a client.
        let fits = nanos.filter(|nanos| i64::try_from(*nanos).is_ok());
        let error = || DurationError { found: text.chars().take(64).collect() };
        fits.map(|nanos| Self(Duration::from_nanos(nanos))).ok_or_else(error)
    }
}

/// The nanoseconds in a row of numbers with units; at least one.
fn parse(mut rest: &str) -> Option<u128> {
    let mut total = 0_u128;
    loop {
        let number_ends = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(number_ends);
        let unit_ends = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_ends);
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(scaled(number, *scale)?)?;
        if tail.is_empty() {
            return Some(total);
        }
        rest = tail;
    }
}

/// `number` × `scale`, fractions below a nanosecond dropped.
fn scaled(number: &str, scale: u64) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { u64::from_str(whole).ok()?.into() };
    let kept = &fraction[..fraction.len().min(18)];
    let parts: u128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    let digits = u32::try_from(kept.len()).ok()?;
    let scale = u128::from(scale);
    Some(whole * scale + parts * scale / 10_u128.pow(digits))
}

impl fmt::Display for GoDuration {
    /// Go's own form: `1h30m0s`, `10s`, `250ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => write!(f, "{}µs", decimal(nanos, 1_000)),
            1_000_000..1_000_000_000 => write!(f, "{}ms", decimal(nanos, 1_000_000)),
            _ => clock(f, nanos),
        }
    }
}

fn clock(f: &mut fmt::Formatter<'_>, nanos: u64) -> fmt::Result {
    const MINUTE: u64 = 60_000_000_000;
    let minutes = nanos / MINUTE;
    if minutes >= 60 {
        write!(f, "{}h", minutes / 60)?;
    }
    if minutes > 0 {
        write!(f, "{}m", minutes % 60)?;
    }
    write!(f, "{}s", decimal(nanos % MINUTE, 1_000_000_000))
}

/// `nanos` in `unit`s, without trailing zeros.
fn decimal(nanos: u64, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", nanos / unit, nanos % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_newtype_struct(Self::NAME, TextOrNanos)
    }
}

struct TextOrNanos;

impl<'de> Visitor<'de> for TextOrNanos {
    type Value = GoDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as \"10s\", or nanoseconds")
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<GoDuration, D::Error> {
        source.deserialize_any(self)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<GoDuration, E> {
        if text.is_empty() { Ok(GoDuration::default()) } else { text.parse().map_err(E::custom) }
    }
    fn visit_u64<E>(self, nanos: u64) -> Result<GoDuration, E> {
        Ok(GoDuration(Duration::from_nanos(nanos)))
    }
    fn visit_i64<E: Error>(self, nanos: i64) -> Result<GoDuration, E> {
        let nanos = u64::try_from(nanos).map_err(|_| E::custom("a duration cannot be negative"))?;
        self.visit_u64(nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_go_reads_them() {
        for (text, nanos) in [
            ("0", 0),
            ("10s", 10_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("250ms", 250_000_000),
            ("3us", 3_000),
            ("3µs", 3_000),
            ("+1s", 1_000_000_000),
            ("72h0m0s", 259_200_000_000_000),
        ] {
            assert_eq!(text.parse::<GoDuration>().unwrap().0.as_nanos(), nanos, "{text}");
        }
        for bad in ["", "10", "s", "-1s", "1 s", "1d", ".s", "1..5s", "1s1", "99999999999h", "1h-3m", "١s"] {
            assert!(bad.parse::<GoDuration>().is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_print_as_go_prints_them() {
        for text in ["0s", "10s", "1h30m0s", "1m30s", "1.5s", "250ms", "1.25ms", "3µs", "7ns", "72h0m0s"] {
            assert_eq!(text.parse::<GoDuration>().unwrap().to_string(), text);
        }
    }
}
