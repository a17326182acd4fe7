use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::wire::rfc3339;
use http::header;

/// What this agent measures: the last interval as JSON, or sums for Prometheus.
pub async fn show(call: Call) -> Answered {
    let (metrics, prefix) = (&call.deps.metrics, &call.deps.facts.metrics_prefix);
    match call.parameters.filled("format") {
        None => call.json_answer(&metrics.report(prefix, go_time(call.deps.clock.now().seconds()))),
        Some("prometheus") => {
            Ok(Answer::text(metrics.prometheus(prefix)).with(header::CONTENT_TYPE, EXPOSITION))
        }
        Some(other) => Err(ApiError::bad_request(format!("format {other:?} is not known: want prometheus"))),
    }
}

const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// As Go prints a time: `2018-05-21 16:41:27 +0000 UTC`.
fn go_time(seconds: u64) -> String {
    format!("{} +0000 UTC", rfc3339(seconds).trim_end_matches('Z').replace('T', " "))
}
