use serde_json::{Value, json};
use std::time::Duration;

pub fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// In microseconds, of all but the tenth at each end: what else the machine does falls upon those. None of none.
pub fn trimmed_mean(mut times: Vec<Duration>) -> Option<f64> {
    times.sort_unstable();
    let cut = times.len() / 10;
    let kept = &times[cut..times.len() - cut];
    let all: Duration = kept.iter().sum();
    (!kept.is_empty()).then(|| all.as_nanos() as f64 / 1e3 / kept.len() as f64)
}

/// The one in the middle; none of none.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Percentiles in microseconds.
pub fn percentiles(times: Vec<Duration>) -> Value {
    percentiles_in(Duration::from_micros(1), times)
}

/// Percentiles as so many times the unit.
pub fn percentiles_in(unit: Duration, mut times: Vec<Duration>) -> Value {
    if times.is_empty() {
        return json!({ "count": 0 });
    }
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() - 1) as f64 * share).round() as usize;
        round(times[index].as_nanos() as f64 / unit.as_nanos() as f64, 2)
    };
    json!({ "count": times.len(), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_at_each_end_does_not_count() {
        let mut times: Vec<_> = (1..=9).map(Duration::from_micros).collect();
        times.push(Duration::from_secs(1));
        assert_eq!(trimmed_mean(times), Some(5.5));
        assert_eq!((trimmed_mean(vec![]), median(vec![])), (None, None));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
    }

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times = (1..=101).rev().map(Duration::from_micros).collect();
        let found = percentiles(times);
        assert_eq!((found["p50"].as_f64(), found["max"].as_f64()), (Some(51.0), Some(101.0)));
        assert_eq!(percentiles(vec![])["count"], 0);
    }
}
