use super::error::KernelError;
use super::table::Table;
use aya::Pod;

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
