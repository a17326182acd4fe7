use std::time::Duration;

/// The first repetition comes after at most this, and each after at most twice the one before.
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// Repetitions come at least this often.
const LAST_RETRY: Duration = Duration::from_secs(60);
/// Agents renew within this after a rotation.
const ROTATION_SPREAD: Duration = Duration::from_secs(30);

/// When to replace a certificate: at 50 to 70 % of its life, so that agents which started together do
/// not all come at once. Unix seconds; `jitter` is from 0 to 1.
pub fn refresh_at(not_before: u64, not_after: u64, jitter: f64) -> u64 {
    let life = not_after.saturating_sub(not_before);
    let share = 0.5 + 0.2 * jitter.clamp(0.0, 1.0);
    // The product is below `life`, so it fits; a rounding of seconds does not matter.
    not_before.saturating_add((life as f64 * share) as u64)
}

/// How long to wait after the n-th failure in a row. `jitter` is from 0 to 1.
pub fn retry_after(failures: u32, jitter: f64) -> Duration {
    let doubled = FIRST_RETRY * 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
    doubled.min(LAST_RETRY).mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

/// How long after a rotation to ask for a certificate under the new root. `jitter` is from 0 to 1.
pub(super) fn reissue_after(jitter: f64) -> Duration {
    ROTATION_SPREAD.mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_replaced_at_half_to_seven_tenths_of_its_life() {
        for (not_before, not_after, jitter, at) in [
            (1000, 2000, 0.0, 1500),
            (1000, 2000, 1.0, 1700),
            (1000, 2000, 0.5, 1600),
            (1000, 2000, 9.0, 1700),
            (1000, 2000, -1.0, 1500),
            (1000, 1000, 0.5, 1000),
            (2000, 1000, 0.5, 2000),
            (0, 72 * 3600, 0.0, 36 * 3600),
        ] {
            assert_eq!(refresh_at(not_before, not_after, jitter), at);
        }
    }

    #[test]
    fn retries_back_off_to_a_bound() {
        assert_eq!(retry_after(1, 1.0), Duration::from_millis(500));
        assert_eq!(retry_after(1, 0.0), Duration::from_millis(250));
        assert_eq!(retry_after(4, 1.0), Duration::from_secs(4));
        for failures in [8, 20, u32::MAX] {
            assert_eq!(retry_after(failures, 1.0), Duration::from_secs(60));
            assert_eq!(retry_after(failures, 0.0), Duration::from_secs(30));
        }
    }

    #[test]
    fn a_rotation_is_spread() {
        assert_eq!(reissue_after(0.0), Duration::ZERO);
        assert_eq!(reissue_after(1.0), Duration::from_secs(30));
    }
}
