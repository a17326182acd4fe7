use super::error::KernelError;
use super::table::Table;
use aya::Pod;
use std::fmt;
use std::time::Duration;

/// What the kernel says of the programs and maps, for status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub programs: Vec<ProgramFacts>,
    pub maps: Vec<MapFill>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramFacts {
    pub name: &'static str,
    /// How many instructions the verifier walked through; `None` before Linux 5.16.
    pub verified_instructions: Option<u32>,
    /// Whether its hook calls it.
    pub attached: bool,
    /// How often it ran, and how long in all; counted only while `kernel.bpf_stats_enabled` is 1.
    pub runs: u64,
    pub run_time: Duration,
}

impl fmt::Display for ProgramFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.attached { "attached, " } else { "not attached, " })?;
        match self.verified_instructions {
            Some(count) => write!(f, "{count} instructions verified")?,
            None => f.write_str("? instructions verified")?,
        }
        if self.runs == 0 {
            return Ok(());
        }
        write!(f, ", {} runs in {} ns", self.runs, self.run_time.as_nanos())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapFill {
    pub name: &'static str,
    pub entries: usize,
    pub capacity: u32,
}

impl MapFill {
    pub(super) fn of<K: Pod, V: Pod>(table: &Table<K, V>) -> Result<Self, KernelError> {
        Ok(Self { name: table.name(), entries: table.len()?, capacity: table.capacity() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_told_where_the_kernel_counts_them() {
        let mut facts = ProgramFacts {
            name: "mesh_connect4",
            verified_instructions: Some(900),
            attached: true,
            runs: 0,
            run_time: Duration::ZERO,
        };
        assert_eq!(facts.to_string(), "attached, 900 instructions verified");
        (facts.runs, facts.run_time) = (3, Duration::from_nanos(1_234));
        assert_eq!(facts.to_string(), "attached, 900 instructions verified, 3 runs in 1234 ns");
    }
}
