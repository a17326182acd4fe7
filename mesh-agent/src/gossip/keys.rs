use super::engine::OrderReport;
use super::{GossipError, GossipKey};
use crate::model::NodeName;
use std::collections::BTreeMap;

/// The keys of all members that answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyringReport {
    /// By key in base64, how many members have it.
    pub keys: BTreeMap<String, usize>,
    /// And how many seal with it.
    pub primary_keys: BTreeMap<String, usize>,
    pub members: usize,
    /// By member, what it did not do, and why.
    pub errors: BTreeMap<String, String>,
    /// Who has which keys, the primary first.
    rings: Vec<(NodeName, Vec<String>)>,
}

impl KeyringReport {
    pub(super) fn of(report: OrderReport) -> Self {
        let mut made = Self { members: report.results.len() + report.silent.len(), ..Self::default() };
        for (name, result) in report.results {
            for key in &result.keys {
                *made.keys.entry(key.clone()).or_default() += 1;
            }
            if let Some(primary) = result.keys.first() {
                *made.primary_keys.entry(primary.clone()).or_default() += 1;
            }
            made.errors.extend(result.error.map(|error| (name.to_string(), error)));
            made.rings.push((name, result.keys));
        }
        let silent = report.silent.iter().map(|name| (name.to_string(), "no answer".to_owned()));
        made.errors.extend(silent);
        made
    }

    /// Only if all did what they were asked.
    pub(super) fn complete(self) -> Result<Self, GossipError> {
        if self.errors.is_empty() {
            return Ok(self);
        }
        let details = self.errors.iter().map(|(name, error)| format!("{name}: {error}"));
        let details: Vec<String> = details.collect();
        Err(GossipError::Keyring { count: details.len(), of: self.members, details: details.join("; ") })
    }

    pub(super) fn has_everywhere(&self, key: &GossipKey) -> Result<(), GossipError> {
        let text = key.to_text();
        self.none_of("does not have the key: install it first", |keys| !keys.contains(&text))
    }

    pub(super) fn is_primary_nowhere(&self, key: &GossipKey) -> Result<(), GossipError> {
        let text = key.to_text();
        self.none_of("seals with it: use another first", |keys| keys.first() == Some(&text))
    }

    fn none_of(&self, what: &str, of: impl Fn(&[String]) -> bool) -> Result<(), GossipError> {
        let those: Vec<String> = self
            .rings
            .iter()
            .filter(|(_, keys)| of(keys))
            .map(|(name, _)| format!("{name} {what}"))
            .collect();
        match those.len() {
            0 => Ok(()),
            count => Err(GossipError::Keyring { count, of: self.members, details: those.join("; ") }),
        }
    }
}
