use super::kernel::{KernelError, Ladder};
use super::plane::DataPlaneError;
use mesh_common::{Action, Pair};
use std::time::Duration;

/// So many that no processor holds all of them in its nearest cache.
const RULES: u32 = 10_000;
const REPEAT: u32 = 1_000_000;

/// How long the kernel takes to decide an intention, by a program that does nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    /// Of a pair that has a rule of its own: one look-up.
    pub by_its_own: Duration,
    /// Of a pair that no rule covers: all four look-ups, then the default.
    pub by_default: Duration,
}

impl Lookup {
    /// Measures it among 10,000 rules, in maps that nobody else uses. Takes less than a second.
    ///
    /// # Errors
    /// The kernel refused, or decides otherwise than it was told.
    pub fn measure() -> Result<Self, DataPlaneError> {
        measure().map_err(|error| DataPlaneError::new("measured", &error))?.ok_or_else(|| {
            DataPlaneError::new("measured", &"the kernel decides otherwise than by the rules it was given")
        })
    }
}

fn measure() -> Result<Option<Lookup>, KernelError> {
    let mut ladder = Ladder::load()?;
    ladder.set_default(Action::Deny)?;
    for source in 1..=RULES {
        ladder.set(Pair { source, destination: 1 }, Action::Allow)?;
    }
    let own = Pair { source: RULES / 2, destination: 1 };
    let (found, by_its_own) = ladder.decide(own, REPEAT)?;
    let (else_found, by_default) = ladder.decide(Pair { destination: 2, ..own }, REPEAT)?;
    let as_told = (found, else_found) == (Action::Allow, Action::Deny);
    Ok(as_told.then_some(Lookup { by_its_own, by_default }))
}
