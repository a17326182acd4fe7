use super::measure::Measure;
use super::software::CONSUL;
use crate::bench::bar::Bar;
use crate::bench::figures::OURS;
use crate::bench::report::median;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A row of the table.
struct Figure {
    title: &'static str,
    measure: Measure,
    field: &'static [&'static str],
    /// What the field is divided by.
    unit: f64,
    target: Target,
}

/// What ours must reach.
#[derive(Clone, Copy)]
enum Target {
    /// As a multiple of Consul's in the same round.
    Ratio(Bar),
    Value(Bar),
    /// Told without a bar.
    Nothing,
}

const fn row(
    title: &'static str,
    measure: Measure,
    field: &'static [&'static str],
    unit: f64,
    target: Target,
) -> Figure {
    Figure { title, measure, field, unit, target }
}

const fn times(factor: f64) -> Target {
    Target::Ratio(Bar::AtLeast(factor))
}

const HALF: Target = Target::Ratio(Bar::AtMost(0.5));
const RATE: &[&str] = &["per_s"];
const P50: &[&str] = &["us", "p50"];
const P99: &[&str] = &["us", "p99"];
/// Microseconds in a millisecond.
const MS: f64 = 1000.0;

const FIGURES: [Figure; 19] = [
    row("KV PUT/s, 1 client", Measure::Put1, RATE, 1.0, times(2.0)),
    row("KV PUT/s, 16 clients", Measure::Put16, RATE, 1.0, times(3.5)),
    row("KV PUT/s, 64 clients", Measure::Put64, RATE, 1.0, times(6.0)),
    row("KV GET/s, 64 clients", Measure::Get, RATE, 1.0, times(3.0)),
    row("agent register/s, 16 clients", Measure::AgentRegister, RATE, 1.0, times(2.0)),
    row("catalog register/s, 16 clients", Measure::CatalogRegister, RATE, 1.0, times(2.0)),
    row("KV wake-up, p50 ms", Measure::Wake, P50, MS, HALF),
    row("KV wake-up, p99 ms", Measure::Wake, P99, MS, HALF),
    row("authorize/s, 64 clients", Measure::Authorize, RATE, 1.0, times(2.0)),
    row("authorize, 1 client, p50 µs", Measure::AuthorizeOne, P50, 1.0, HALF),
    row("leaf certificates/s, 8 clients", Measure::Leaf, RATE, 1.0, times(2.0)),
    row("DNS A/s, 64 outstanding", Measure::Dns, RATE, 1.0, times(2.0)),
    row("deny to refused, p50 ms", Measure::Refused, P50, MS, HALF),
    row("MiB, leader with 10,000 services", Measure::Memory, &["mib"], 1.0, HALF),
    row("MiB, dev agent with 10,000 services", Measure::MemoryDev, &["mib"], 1.0, HALF),
    row("KiB per blocked watcher", Measure::Watchers, &["kib_per_watcher"], 1.0, Target::Nothing),
    row(
        "CPU %, 10,000 blocked watchers",
        Measure::Watchers,
        &["cpu_percent"],
        1.0,
        Target::Value(Bar::AtMost(5.0)),
    ),
    row("kill -9 of the leader to first write, ms", Measure::Failover, &["ms"], 1.0, HALF),
    row("the same", Measure::Failover, &["ms"], 1.0, Target::Value(Bar::AtMost(1000.0))),
];

/// Everything that was measured.
#[derive(Default)]
pub struct Results {
    found: BTreeMap<(Measure, &'static str), BTreeMap<usize, Value>>,
}

impl Results {
    pub fn add(&mut self, measure: Measure, peer: &'static str, round: usize, found: Value) {
        self.found.entry((measure, peer)).or_default().insert(round, found);
    }

    fn rounds(&self, figure: &Figure, peer: &'static str) -> BTreeMap<usize, f64> {
        let number = |found: &Value| figure.field.iter().try_fold(found, |at, key| at.get(key))?.as_f64();
        let rounds = self.found.get(&(figure.measure, peer)).into_iter().flatten();
        rounds.filter_map(|(round, found)| Some((*round, number(found)? / figure.unit))).collect()
    }

    /// The median over the rounds.
    fn value(&self, figure: &Figure, peer: &'static str) -> Option<f64> {
        median(self.rounds(figure, peer).into_values().collect())
    }

    /// The median of ours to Consul's in the same round.
    fn ratio(&self, figure: &Figure) -> Option<f64> {
        let theirs = self.rounds(figure, CONSUL);
        let ours = self.rounds(figure, OURS).into_iter();
        median(ours.filter_map(|(round, value)| Some(value / theirs.get(&round)?)).collect())
    }

    fn failed(&self, measure: Measure, peer: &'static str) -> u64 {
        let rounds = self.found.get(&(measure, peer)).into_iter().flatten();
        rounds.filter_map(|(_, found)| found["failed"].as_u64()).sum()
    }

    /// A Markdown table: a row for each figure.
    pub fn table(&self) -> String {
        let mut text = format!("| | {OURS} | {CONSUL} | ratio | bar | |\n|---|---|---|---|---|---|");
        for figure in FIGURES.iter().filter(|figure| self.found.contains_key(&(figure.measure, OURS))) {
            write!(text, "\n{}", self.line(figure)).expect("a string takes all");
        }
        text.push_str(
            "\n\nRatios are of ours to Consul's in the same round; all figures are medians of the rounds.",
        );
        text
    }

    fn line(&self, figure: &Figure) -> String {
        let (bar, reached) = match figure.target {
            Target::Ratio(bar) => {
                (format!("{} ×", bar.text()), self.ratio(figure).map(|ratio| bar.is_met(ratio)))
            }
            Target::Value(bar) => (bar.text(), self.value(figure, OURS).map(|value| bar.is_met(value))),
            Target::Nothing => ("–".to_owned(), None),
        };
        // What was not answered right does not count as measured.
        let reached = reached.map(|met| met && self.failed(figure.measure, OURS) == 0);
        let verdict = reached.map_or("–", |met| if met { "met" } else { "**missed**" });
        let ratio = self.ratio(figure).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let cells = [self.cell(figure, OURS), self.cell(figure, CONSUL), ratio, bar, verdict.to_owned()];
        format!("| {} | {} |", figure.title, cells.join(" | "))
    }

    fn cell(&self, figure: &Figure, peer: &'static str) -> String {
        let Some(value) = self.value(figure, peer) else { return "–".to_owned() };
        let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
        match self.failed(figure.measure, peer) {
            0 => format!("{value:.digits$}"),
            failed => format!("{value:.digits$} ({failed} failed)"),
        }
    }

    /// The rows of one measure, for whoever waits.
    pub fn last(&self, measure: Measure) -> String {
        let rows = FIGURES.iter().filter(|figure| figure.measure == measure);
        rows.map(|figure| self.line(figure)).collect::<Vec<_>>().join("\n    ")
    }

    /// Writes every figure as JSON and gives the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, directory: &Path) -> Result<PathBuf> {
        let runs = self.found.iter().flat_map(|((measure, peer), rounds)| {
            rounds.iter().map(move |(round, found)| {
                json!({ "measure": measure.to_string(), "peer": peer, "round": round, "found": found })
            })
        });
        let file = directory.join("results.json");
        let text = serde_json::to_string_pretty(&runs.collect::<Vec<_>>())?;
        std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_round_by_round_and_failures_miss() {
        let mut results = Results::default();
        for (round, (ours, theirs)) in [(30.0, 10.0), (40.0, 20.0), (90.0, 10.0)].into_iter().enumerate() {
            results.add(Measure::Put1, OURS, round, json!({ "per_s": ours, "failed": 0 }));
            results.add(Measure::Put1, CONSUL, round, json!({ "per_s": theirs, "failed": 0 }));
        }
        results.add(Measure::Get, OURS, 0, json!({ "per_s": 900.0, "failed": 1 }));
        results.add(Measure::Get, CONSUL, 0, json!({ "per_s": 100.0, "failed": 0 }));
        let table = results.table();
        assert!(table.contains("| KV PUT/s, 1 client | 40.0 | 10.0 | 3.00 | ≥ 2 × | met |"), "{table}");
        assert!(table.contains("| 900 (1 failed) | 100 | 9.00 | ≥ 3 × | **missed** |"), "{table}");
        assert!(!table.contains("DNS"), "what was not measured is left out");
    }
}
