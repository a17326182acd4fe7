use crate::bench::Scene;
use crate::bench::namespace::Process;
use crate::bench::peer::Peer;
use crate::bench::report::PLAIN;
use anyhow::Result;
use std::net::SocketAddr;

/// No proxy at all: what every ratio is to.
pub struct Plain;

impl Peer for Plain {
    fn name(&self) -> &'static str {
        PLAIN
    }

    fn launch(&self, scene: &Scene, _core: Option<usize>) -> Result<(SocketAddr, Vec<Process>)> {
        Ok((scene.app, vec![]))
    }
}
