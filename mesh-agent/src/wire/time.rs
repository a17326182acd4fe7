/// `2018-05-21T16:41:27Z` for Unix seconds.
pub fn rfc3339(seconds: u64) -> String {
    rfc3339_millis(seconds.saturating_mul(1000))
}

/// `2018-05-21T16:41:27.977Z` for Unix milliseconds, trailing zeros of the fraction left out, as Go does.
pub fn rfc3339_millis(millis: u64) -> String {
    // The last instant with a year of four digits, which is all that RFC 3339 can write.
    const LAST: u64 = 253_402_300_799_999;
    let millis = millis.min(LAST);
    let (seconds, fraction) = (millis / 1000, millis % 1000);
    let (year, month, day) = civil(seconds / 86_400);
    let of_day = seconds % 86_400;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:03}") };
    let fraction = fraction.trim_end_matches('0');
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Year, month and day of a day counted from 1 January 1970, in the Gregorian calendar.
///
/// Years are counted from 1 March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    /// Days from 1 March of year 0 to 1 January 1970.
    const EPOCH: u64 = 719_468;
    const ERA: u64 = 146_097;
    let days = days + EPOCH;
    let (era, of_era) = (days / ERA, days % ERA);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * months_from_march + 2) / 5 + 1;
    let month = if months_from_march < 10 { months_from_march + 3 } else { months_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_go_writes_them() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_526_920_887_977, "2018-05-21T16:41:27.977Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (951_868_799_500, "2000-02-29T23:59:59.5Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339_millis(millis), text);
        }
        assert_eq!(rfc3339(1_526_920_887), "2018-05-21T16:41:27Z");
    }
}
