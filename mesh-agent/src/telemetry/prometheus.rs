use super::recorder::Metrics;
use super::window::Window;
use metrics::Key;
use std::fmt::Write;
use std::sync::Arc;

impl Metrics {
    /// The text that Prometheus scrapes, version 0.0.4: sums since the process began. `prefix` and an
    /// underscore go before each name.
    pub fn prometheus(&self, prefix: &str) -> String {
        let mut text = Text { prefix, out: String::new(), family: String::new() };
        for (key, window) in self.counters() {
            text.family(&key, "counter");
            text.line(&key, "", window.total().sum);
        }
        for (key, value) in self.gauges() {
            text.family(&key, "gauge");
            text.line(&key, "", value);
        }
        for (key, window) in self.samples() {
            text.family(&key, "summary");
            text.summary(&key, &window);
        }
        text.out
    }
}

/// The text so far.
struct Text<'a> {
    prefix: &'a str,
    out: String,
    /// The name that the last lines were about.
    family: String,
}

impl Text<'_> {
    /// Says once what kind the series of a name are; they come together.
    fn family(&mut self, key: &Key, kind: &str) {
        let family = legal(&format!("{}_{}", self.prefix, key.name()));
        if family != self.family {
            // Writing to a string does not fail.
            let _ = writeln!(self.out, "# TYPE {family} {kind}");
            self.family = family;
        }
    }

    fn line(&mut self, key: &Key, suffix: &str, value: f64) {
        let labels = labels(key);
        let _ = writeln!(self.out, "{}{suffix}{labels} {value}", self.family);
    }

    fn summary(&mut self, key: &Key, window: &Arc<Window>) {
        let total = window.total();
        self.line(key, "_sum", total.sum);
        self.line(key, "_count", total.count as f64);
    }
}

/// Letters, digits and underscores, and no digit first.
fn legal(name: &str) -> String {
    let mut legal: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if legal.starts_with(|c: char| c.is_ascii_digit()) {
        legal.insert(0, '_');
    }
    legal
}

fn labels(key: &Key) -> String {
    let pairs: Vec<_> =
        key.labels().map(|l| format!("{}=\"{}\"", legal(l.key()), quoted(l.value()))).collect();
    if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
}

fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let recorder = Metrics::default();
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("dns.queries", "transport" => "tcp").increment(2);
            metrics::counter!("dns.queries", "transport" => "udp").increment(5);
            metrics::gauge!("proxy.connections").set(3.0);
            metrics::histogram!("http.api", "path" => "a\"b\\c\nd").record(1.5);
            metrics::histogram!("http.api", "path" => "a\"b\\c\nd").record(2.0);
        });
        let want = [
            "# TYPE mesh_dns_queries counter",
            r#"mesh_dns_queries{transport="tcp"} 2"#,
            r#"mesh_dns_queries{transport="udp"} 5"#,
            "# TYPE mesh_proxy_connections gauge",
            "mesh_proxy_connections 3",
            "# TYPE mesh_http_api summary",
            r#"mesh_http_api_sum{path="a\"b\\c\nd"} 3.5"#,
            r#"mesh_http_api_count{path="a\"b\\c\nd"} 2"#,
        ];
        assert_eq!(recorder.prometheus("mesh").lines().collect::<Vec<_>>(), want);
    }

    #[test]
    fn names_are_made_legal() {
        assert_eq!(legal("9-lives.ü"), "_9_lives__");
    }
}
