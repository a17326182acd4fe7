use super::measure::Measure;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A column of the table.
struct Figure {
    title: &'static str,
    measure: Measure,
    field: &'static [&'static str],
    ratio: bool,
    bar: Bar,
}

/// What our own path must reach.
#[derive(Clone, Copy)]
pub enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

impl Bar {
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bar) => value >= bar,
            Self::AtMost(bar) => value <= bar,
        }
    }

    pub fn text(self) -> String {
        match self {
            Self::AtLeast(bar) => format!("≥ {bar}"),
            Self::AtMost(bar) => format!("≤ {bar}"),
        }
    }
}

const fn figure(
    title: &'static str,
    measure: Measure,
    field: &'static [&'static str],
    ratio: bool,
    bar: Bar,
) -> Figure {
    Figure { title, measure, field, ratio, bar }
}

const FIGURES: [Figure; 8] = [
    figure("bulk, 1 connection", Measure::Bulk1, &["gbit_s"], true, Bar::AtLeast(0.45)),
    figure("bulk, 8 connections", Measure::Bulk8, &["gbit_s"], true, Bar::AtLeast(0.42)),
    figure("64 B round trip, one core", Measure::Rtt, &["us", "p50"], true, Bar::AtMost(3.6)),
    figure("connections/s, 16 clients", Measure::Conn16, &["per_s"], true, Bar::AtLeast(0.06)),
    figure("CPU s/GiB, 1 connection", Measure::Bulk1, &["cpu_s_per_gib"], false, Bar::AtMost(1.25)),
    figure("CPU s/GiB, 8 connections", Measure::Bulk8, &["cpu_s_per_gib"], false, Bar::AtMost(1.25)),
    figure("KiB per idle connection", Measure::Hold, &["kib_per_connection"], false, Bar::AtMost(12.0)),
    figure("idle MiB", Measure::Hold, &["idle_mib"], false, Bar::AtMost(40.0)),
];

/// Whose figures the ratios are to, and whose must meet the bars.
pub const PLAIN: &str = "plain";
pub const OURS: &str = "mesh";

/// Everything that was measured.
pub struct Results {
    peers: Vec<&'static str>,
    found: BTreeMap<(Measure, &'static str), BTreeMap<usize, Value>>,
}

impl Results {
    pub fn new(peers: Vec<&'static str>) -> Self {
        Self { peers, found: BTreeMap::new() }
    }

    pub fn add(&mut self, measure: Measure, peer: &'static str, round: usize, found: Value) {
        self.found.entry((measure, peer)).or_default().insert(round, found);
    }

    /// The median over the rounds: of the ratios to plain in the same round, or of the values.
    fn value(&self, figure: &Figure, peer: &'static str) -> Option<f64> {
        let of = |peer| self.found.get(&(figure.measure, peer));
        let number = |found: &Value| figure.field.iter().try_fold(found, |at, key| at.get(key))?.as_f64();
        let values = of(peer)?.iter().filter_map(|(round, found)| {
            let value = number(found)?;
            if figure.ratio { Some(value / number(of(PLAIN)?.get(round)?)?) } else { Some(value) }
        });
        median(values.collect())
    }

    /// A Markdown table: a row for each figure, a column for each peer.
    pub fn table(&self) -> String {
        let mut text = format!("| | bar | {} |\n|---|---|", self.peers.join(" | "));
        text.push_str(&"---|".repeat(self.peers.len()));
        for figure in FIGURES.iter().filter(|figure| self.found.contains_key(&(figure.measure, PLAIN))) {
            write!(text, "\n| {} | {} |", figure.title, figure.bar.text()).expect("a string takes all");
            for peer in &self.peers {
                write!(text, " {} |", self.cell(figure, peer)).expect("a string takes all");
            }
        }
        text.push_str(
            "\n\nThroughput, round trip and connections are ratios to plain loopback in the same round.",
        );
        text
    }

    fn cell(&self, figure: &Figure, peer: &'static str) -> String {
        match self.value(figure, peer) {
            Some(_) if peer == PLAIN && !figure.ratio => "–".to_owned(),
            None => "–".to_owned(),
            Some(value) if peer == OURS => {
                let verdict = if figure.bar.is_met(value) { "pass" } else { "**miss**" };
                format!("{value:.3} {verdict}")
            }
            Some(value) => format!("{value:.3}"),
        }
    }

    /// Writes every figure as JSON and gives the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, directory: &Path) -> Result<PathBuf> {
        let runs: Vec<Value> = self
            .found
            .iter()
            .flat_map(|((measure, peer), rounds)| {
                rounds.iter().map(move |(round, found)| {
                    json!({ "measure": measure.to_string(), "peer": peer, "round": round, "found": found })
                })
            })
            .collect();
        let summary: BTreeMap<&str, BTreeMap<&str, Option<f64>>> = FIGURES
            .iter()
            .map(|figure| {
                (figure.title, self.peers.iter().map(|peer| (*peer, self.value(figure, peer))).collect())
            })
            .collect();
        let file = directory.join("results.json");
        let text = serde_json::to_string_pretty(&json!({ "summary": summary, "runs": runs }))?;
        std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
        Ok(file)
    }
}

pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_round_by_round() {
        let mut results = Results::new(vec![PLAIN, OURS]);
        for (round, (plain, ours)) in [(10.0, 5.0), (20.0, 9.0), (4.0, 3.0)].into_iter().enumerate() {
            results.add(Measure::Bulk1, PLAIN, round, json!({ "gbit_s": plain, "cpu_s_per_gib": 0 }));
            results.add(Measure::Bulk1, OURS, round, json!({ "gbit_s": ours, "cpu_s_per_gib": 1.5 }));
        }
        let table = results.table();
        assert!(table.contains("| bulk, 1 connection | ≥ 0.45 | 1.000 | 0.500 pass |"), "{table}");
        assert!(table.contains("| CPU s/GiB, 1 connection | ≤ 1.25 | – | 1.500 **miss** |"), "{table}");
        assert!(!table.contains("round trip, one core"), "what was not measured is left out");
    }
}
