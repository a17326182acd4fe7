use super::figures::{FIGURES, Figure, PLAIN, Shown};
use super::measure::Measure;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

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
        let plain = |round| number(of(PLAIN)?.get(round)?);
        let values = of(peer)?.iter().filter_map(|(round, found)| {
            let value = number(found)?;
            match figure.shown {
                Shown::Ratio => Some(value / plain(round)?),
                Shown::Value => Some(value),
            }
        });
        median(values.collect())
    }

    /// A Markdown table: a row for each figure, a column for each peer, and what has to be met.
    pub fn table(&self) -> String {
        let mut text = format!("| | {} |\n|---|", self.peers.join(" | "));
        text.push_str(&"---|".repeat(self.peers.len()));
        for figure in FIGURES.iter().filter(|figure| self.was_measured(figure.measure)) {
            write!(text, "\n| {} |", figure.title).expect("a string takes all");
            for peer in &self.peers {
                write!(text, " {} |", self.cell(figure, peer)).expect("a string takes all");
            }
        }
        text.push_str(
            "\n\nThroughput, round trip and connections are ratios to plain loopback in the same round.",
        );
        text
    }

    fn was_measured(&self, measure: Measure) -> bool {
        self.found.keys().any(|(measured, _)| *measured == measure)
    }

    fn cell(&self, figure: &Figure, peer: &'static str) -> String {
        let Some(value) = self.value(figure, peer) else { return "–".to_owned() };
        if peer == PLAIN && figure.shown == Shown::Value {
            return "–".to_owned();
        }
        let must = figure.bars.iter().find(|(whose, _)| *whose == peer).map(|(_, must)| *must);
        match must.and_then(|must| must.bar(|other| self.value(figure, other))) {
            None => format!("{value:.3}"),
            Some(bar) if bar.is_met(value) => format!("{value:.3} ({})", bar.text()),
            Some(bar) => format!("**{value:.3} misses {}**", bar.text()),
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
    use super::super::figures::OURS;
    use super::*;

    #[test]
    fn ratios_are_taken_round_by_round() {
        let mut results = Results::new(vec![PLAIN, OURS]);
        for (round, (plain, ours)) in [(10.0, 5.0), (20.0, 9.0), (4.0, 3.0)].into_iter().enumerate() {
            results.add(Measure::Bulk1, PLAIN, round, json!({ "gbit_s": plain, "cpu_s_per_gib": 0 }));
            results.add(Measure::Bulk1, OURS, round, json!({ "gbit_s": ours, "cpu_s_per_gib": 1.5 }));
        }
        let table = results.table();
        assert!(table.contains("| bulk, 1 connection | 1.000 | 0.500 (≥ 0.45) |"), "{table}");
        assert!(table.contains("| CPU s/GiB, 1 connection | – | **1.500 misses ≤ 1.25** |"), "{table}");
        assert!(!table.contains("round trip, one core"), "what was not measured is left out");
    }
}
