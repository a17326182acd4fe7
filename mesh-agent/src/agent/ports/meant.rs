use crate::dataplane::Asked;
use crate::dns::Meant;
use std::net::SocketAddr;
use std::sync::Arc;

/// The data plane's word on whom a captured question was meant for.
pub(in crate::agent) struct KernelMeant(pub Arc<dyn Asked>);

impl Meant for KernelMeant {
    fn server(&self, udp: bool, client: SocketAddr, here: SocketAddr) -> Option<SocketAddr> {
        self.0.server(udp, client, here)
    }
}
