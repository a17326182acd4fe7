use super::error::KernelError;
use super::maps::Maps;
use super::object::OBJECT;
use super::programs;
use aya::programs::CgroupSkb;
use aya::{Ebpf, EbpfLoader, TestRun, TestRunOptions};
use mesh_common::{Action, Config, Pair};
use std::time::Duration;

const PROGRAM: &str = "mesh_ladder";

/// The kernel wants an Ethernet header, and what it does not know to be IP behind it; it hands on the rest.
const HEADER: usize = 14;

/// The kernel's intention ladder by itself, over maps of its own: nobody's connections are decided by it.
pub struct Ladder {
    ebpf: Ebpf,
    maps: Maps,
}

impl Ladder {
    /// # Errors
    /// The kernel refused, or something is not permitted.
    pub fn load() -> Result<Self, KernelError> {
        let loaded = EbpfLoader::new().load(OBJECT);
        let mut ebpf = loaded.map_err(|source| KernelError::Load { source: Box::new(source) })?;
        let missing = KernelError::Missing { what: "program", name: PROGRAM };
        let verified = programs::load(ebpf.program_mut(PROGRAM).ok_or(missing)?);
        verified.map_err(|source| KernelError::Verify { program: PROGRAM, source: Box::new(source) })?;
        let maps = Maps::take(&mut ebpf)?;
        Ok(Self { ebpf, maps })
    }

    /// # Errors
    /// The kernel refused.
    pub fn set_default(&mut self, action: Action) -> Result<(), KernelError> {
        self.maps.set_config(Config { default_action: action as u32, ..Config::default() })
    }

    /// # Errors
    /// The kernel refused: there may be too many.
    pub fn set(&mut self, pair: Pair, action: Action) -> Result<(), KernelError> {
        self.maps.intent.set(&pair, &(action as u32))
    }

    /// # Errors
    /// The kernel refused.
    pub fn remove(&mut self, pair: Pair) -> Result<(), KernelError> {
        self.maps.intent.remove(&pair)
    }

    /// What the kernel decides, and how long one of `repeat` runs of the program took on the average: the ladder,
    /// and the reading of the pair.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn decide(&self, pair: Pair, repeat: u32) -> Result<(Action, Duration), KernelError> {
        let mut packet = [0; HEADER + size_of::<Pair>()];
        packet[HEADER..HEADER + 4].copy_from_slice(&pair.source.to_ne_bytes());
        packet[HEADER + 4..].copy_from_slice(&pair.destination.to_ne_bytes());
        let options = TestRunOptions { data_in: Some(&packet), repeat, ..TestRunOptions::new() };
        let missing = KernelError::Missing { what: "program", name: PROGRAM };
        let program: &CgroupSkb = self.ebpf.program(PROGRAM).ok_or(missing)?.try_into().map_err(refused)?;
        let found = program.test_run(options).map_err(refused)?;
        Ok((Action::from_raw(found.return_value), found.duration))
    }
}

fn refused(source: aya::programs::ProgramError) -> KernelError {
    KernelError::Verify { program: PROGRAM, source: Box::new(source) }
}
