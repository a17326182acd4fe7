/// What a machine wrote about its tests.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Name of each test program, and its exit status.
    pub statuses: Vec<(String, String)>,
    /// Program and reason of each test that could not run.
    pub skipped: Vec<(String, String)>,
    /// The machine came to its end by itself.
    pub complete: bool,
}

impl Report {
    pub fn parse(text: &str) -> Self {
        let mut report = Self::default();
        for line in text.lines().map(str::trim_end) {
            let mut words = line.splitn(3, ' ');
            match (words.next(), words.next(), words.next()) {
                (Some("status"), Some(name), Some(status)) => {
                    report.statuses.push((name.into(), status.into()));
                }
                (Some("skipped"), Some(name), Some(why)) => {
                    report.skipped.push((name.into(), why.into()));
                }
                (Some("end"), None, None) => report.complete = true,
                _ => {}
            }
        }
        report
    }

    /// What is wrong; nothing if all that was to run did and passed. Each program with whether none of its tests may
    /// be skipped.
    pub fn faults(&self, programs: &[(&str, bool)]) -> Vec<String> {
        let mut faults = Vec::new();
        if !self.complete {
            faults.push("it ended before its tests did; what it printed last says why".to_owned());
        }
        for (program, must_run) in programs {
            match self.statuses.iter().find(|(name, _)| name == program) {
                Some((_, status)) if status == "0" => {}
                Some((_, status)) => faults.push(format!("{program} failed with status {status}")),
                None => faults.push(format!("{program} was not run to its end")),
            }
            faults.extend(must_run.then(|| self.skipped_of(program)).flatten());
        }
        faults
    }

    fn skipped_of(&self, program: &str) -> Option<String> {
        let barred = self.skipped.iter().filter(|(name, _)| name == program);
        let (_, why) = barred.clone().next()?;
        Some(format!("{} tests that must run here were skipped, such as {why}", barred.count()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_report_of_success_is_without_fault() {
        let cases = [
            ("status kernel 0\r\nend\r\n", 0),
            ("status kernel 0\n", 1),
            ("status kernel 101\nend\n", 1),
            ("end\n", 1),
            ("", 2),
            ("status kernel 0\nskipped kernel SKIPPED: a: too old\nend\n", 1),
            ("status kernel 0\nskipped e2e SKIPPED: a: no curl\nend\n", 0),
        ];
        for (text, count) in cases {
            let faults = Report::parse(text).faults(&[("kernel", true)]);
            assert_eq!(faults.len(), count, "{text:?}: {faults:?}");
        }
    }

    #[test]
    fn where_a_kernel_is_too_old_skipping_is_right() {
        let report = Report::parse("status kernel 0\nskipped kernel SKIPPED: a: too old\nend\n");
        assert!(report.faults(&[("kernel", false)]).is_empty());
    }
}
