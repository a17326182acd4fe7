use crate::bench::Scene;
use crate::bench::figures::PLAIN;
use crate::bench::peer::{Peer, Running};
use anyhow::Result;

/// No proxy at all: what every ratio is to.
pub struct Plain;

impl Peer for Plain {
    fn name(&self) -> &'static str {
        PLAIN
    }

    fn launch(&self, scene: &Scene, _core: Option<usize>) -> Result<Running> {
        Ok(Running::new(scene.app, vec![]))
    }
}
