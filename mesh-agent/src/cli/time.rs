//! Times as operators read them.

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// RFC 850's form of an RFC 3339 time in UTC; anything else stays as it is.
pub(super) fn for_people(rfc3339: &str) -> String {
    reformat(rfc3339).unwrap_or_else(|| rfc3339.to_owned())
}

fn reformat(text: &str) -> Option<String> {
    let (date, rest) = text.strip_suffix('Z')?.split_once('T')?;
    let clock = rest.split('.').next()?;
    let mut parts = date.splitn(3, '-').map(str::parse::<usize>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let name = MONTHS.get(month.checked_sub(1)?)?;
    Some(format!("{}, {day:02}-{name}-{:02} {clock} UTC", weekday(year, month, day), year % 100))
}

/// Sakamoto's rule for the Gregorian calendar.
fn weekday(year: usize, month: usize, day: usize) -> &'static str {
    const SHIFT: [usize; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = if month < 3 { year.saturating_sub(1) } else { year };
    DAYS[(year + year / 4 - year / 100 + year / 400 + SHIFT[month - 1] + day) % 7]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_gets_its_weekday() {
        let cases = [
            ("2026-11-21T01:22:19.5Z", "Saturday, 21-Nov-26 01:22:19 UTC"),
            ("2024-02-29T00:00:00Z", "Thursday, 29-Feb-24 00:00:00 UTC"),
            ("2000-01-01T12:00:00Z", "Saturday, 01-Jan-00 12:00:00 UTC"),
        ];
        for (text, expected) in cases {
            assert_eq!(for_people(text), expected);
        }
    }

    #[test]
    fn what_is_no_time_stays_as_it_is() {
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-21T01:22:19+02:00"] {
            assert_eq!(for_people(text), text);
        }
    }
}
