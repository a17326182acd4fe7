use super::recorder::Metrics;
use super::window::{INTERVAL, Stats, Window};
use metrics::Key;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `/v1/agent/metrics` answers: the last whole interval of ten seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Report {
    pub timestamp: String,
    pub gauges: Vec<GaugeReport>,
    /// Always empty; clients expect it.
    pub points: [(); 0],
    pub counters: Vec<SampleReport>,
    pub samples: Vec<SampleReport>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GaugeReport {
    pub name: String,
    pub value: f64,
    pub labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SampleReport {
    pub name: String,
    /// How many values came.
    pub count: u64,
    /// Their sum by the second.
    pub rate: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    pub stddev: f64,
    pub labels: BTreeMap<String, String>,
}

impl Metrics {
    /// `prefix` and a dot go before each name; `timestamp` is the time of asking, as clients read it.
    pub fn report(&self, prefix: &str, timestamp: String) -> Report {
        let gauge = |(key, value)| GaugeReport { name: name(prefix, &key), value, labels: labels(&key) };
        Report {
            timestamp,
            gauges: self.gauges().into_iter().map(gauge).collect(),
            points: [],
            counters: samples(prefix, self.counters()),
            samples: samples(prefix, self.samples()),
        }
    }
}

/// Series without a value in the interval are left out.
fn samples(prefix: &str, series: Vec<(Key, Arc<Window>)>) -> Vec<SampleReport> {
    let recent = series.into_iter().map(|(key, window)| (key, window.recent()));
    recent.filter(|(_, stats)| stats.count > 0).map(|(key, stats)| sample(prefix, &key, &stats)).collect()
}

fn sample(prefix: &str, key: &Key, stats: &Stats) -> SampleReport {
    SampleReport {
        name: name(prefix, key),
        count: stats.count,
        rate: stats.sum / INTERVAL.as_secs_f64(),
        sum: stats.sum,
        min: stats.min,
        max: stats.max,
        mean: stats.mean(),
        stddev: stats.deviation(),
        labels: labels(key),
    }
}

fn name(prefix: &str, key: &Key) -> String {
    format!("{prefix}.{}", key.name())
}

fn labels(key: &Key) -> BTreeMap<String, String> {
    key.labels().map(|l| (l.key().to_owned(), l.value().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_reads_as_clients_expect() {
        let recorder = Metrics::default();
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("dns.queries", "transport" => "udp").increment(5);
            metrics::gauge!("proxy.connections").set(3.0);
            metrics::histogram!("http.api").record(1.5);
        });
        let report = recorder.report("mesh", "2026-01-01 00:00:10 +0000 UTC".into());
        let counter = json!({
            "Name": "mesh.dns.queries", "Count": 1, "Rate": 0.5, "Sum": 5.0, "Min": 5.0, "Max": 5.0,
            "Mean": 5.0, "Stddev": 0.0, "Labels": {"transport": "udp"},
        });
        let json = serde_json::to_value(report).unwrap();
        assert_eq!(json["Timestamp"], "2026-01-01 00:00:10 +0000 UTC");
        assert_eq!(json["Counters"], json!([counter]));
        assert_eq!(json["Gauges"], json!([{"Name": "mesh.proxy.connections", "Value": 3.0, "Labels": {}}]));
        assert_eq!(json["Samples"][0]["Name"], "mesh.http.api");
        assert_eq!(json["Points"], json!([]));
    }
}
