use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most one line in this time.
const QUIET: Duration = Duration::from_secs(10);

/// Lets one of many equal log lines through now and then, and counts the others.
#[derive(Debug, Default)]
pub(super) struct Repeats(Mutex<Option<Said>>);

#[derive(Debug)]
struct Said {
    at: Instant,
    left_out: u64,
}

impl Repeats {
    /// How many lines were left out since the last one, if it is time for another.
    pub fn due(&self, now: Instant) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *said {
            Some(last) if now.saturating_duration_since(last.at) < QUIET => {
                last.left_out += 1;
                None
            }
            last => Some(last.replace(Said { at: now, left_out: 0 }).map_or(0, |last| last.left_out)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_a_while_tells_of_those_that_were_left_out() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        let seconds =
            [(0, Some(0)), (0, None), (9, None), (10, Some(2)), (11, None), (30, Some(1)), (40, Some(0))];
        for (second, due) in seconds {
            assert_eq!(repeats.due(start + Duration::from_secs(second)), due, "{second}");
        }
    }
}
