use crate::model::{CheckDefinition, CheckStatus};

/// How many results in a row it takes to change a check's status; each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub success_before_passing: u32,
    pub failures_before_warning: u32,
    pub failures_before_critical: u32,
}

impl From<&CheckDefinition> for Thresholds {
    fn from(check: &CheckDefinition) -> Self {
        Self {
            success_before_passing: check.success_before_passing,
            failures_before_warning: check.failures_before_warning,
            failures_before_critical: check.failures_before_critical,
        }
    }
}

/// The results in a row so far; of the two numbers one is always 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    successes: u32,
    failures: u32,
}

impl Streak {
    fn after(self, result: CheckStatus) -> Self {
        match result {
            CheckStatus::Passing | CheckStatus::Warning => {
                Self { successes: self.successes.saturating_add(1), failures: 0 }
            }
            CheckStatus::Critical => Self { successes: 0, failures: self.failures.saturating_add(1) },
        }
    }
}

/// What one more result makes of a check: the new streak, and the status that the check now has.
/// `None` means that it keeps the status it had. A warning counts as a success.
pub fn transition(
    streak: Streak,
    result: CheckStatus,
    thresholds: &Thresholds,
) -> (Streak, Option<CheckStatus>) {
    let streak = streak.after(result);
    let status = match result {
        CheckStatus::Critical if streak.failures >= thresholds.failures_before_critical => {
            Some(CheckStatus::Critical)
        }
        CheckStatus::Critical if streak.failures >= thresholds.failures_before_warning => {
            Some(CheckStatus::Warning)
        }
        CheckStatus::Critical => None,
        success => (streak.successes >= thresholds.success_before_passing).then_some(success),
    };
    (streak, status)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P, W and C for results; `-` for a check that keeps its status.
    fn replay(results: &str, thresholds: &Thresholds) -> String {
        let mut streak = Streak::default();
        let one = |letter: char| {
            let (next, status) = transition(streak, status_of(letter), thresholds);
            streak = next;
            status.map_or('-', letter_of)
        };
        results.chars().map(one).collect()
    }

    fn status_of(letter: char) -> CheckStatus {
        match letter {
            'P' => CheckStatus::Passing,
            'W' => CheckStatus::Warning,
            _ => CheckStatus::Critical,
        }
    }

    fn letter_of(status: CheckStatus) -> char {
        match status {
            CheckStatus::Passing => 'P',
            CheckStatus::Warning => 'W',
            CheckStatus::Critical => 'C',
        }
    }

    #[test]
    fn results_become_a_status_only_when_there_are_enough_of_them() {
        let table = [
            // success, warning, critical, results, statuses
            (1, 1, 1, "PWCP", "PWCP"),
            (2, 1, 1, "PPCPP", "-PC-P"),
            (1, 3, 3, "PCCCP", "P--CP"),
            (1, 1, 3, "PCCCC", "PWWCC"),
            (1, 2, 3, "PCCCP", "P-WCP"),
            (1, 3, 3, "CCPCC", "--P--"),
            (3, 1, 1, "WPWP", "--WP"),
            (1, 5, 2, "CCC", "-CC"),
        ];
        for (success, warning, critical, results, expected) in table {
            let thresholds = Thresholds {
                success_before_passing: success,
                failures_before_warning: warning,
                failures_before_critical: critical,
            };
            assert_eq!(replay(results, &thresholds), expected, "{thresholds:?} {results}");
        }
    }
}
