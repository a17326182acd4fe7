use crate::gossip::peer::Peer;
use foca::{Notification, Timer};
use std::net::SocketAddr;
use std::time::Duration;

/// What follows from foca's acting.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub sends: Vec<(SocketAddr, Vec<u8>)>,
    pub timers: Vec<(Duration, Timer<Peer>)>,
    /// The list of members may have changed.
    pub news: bool,
    /// One that had failed is there again: both sides may have much to tell.
    pub back: bool,
}

impl foca::Runtime<Peer> for Outcome {
    fn notify(&mut self, notification: Notification<'_, Peer>) {
        self.news = true;
        match notification {
            Notification::Rename(_, _) => self.back = true,
            Notification::Rejoin(own) => tracing::info!(?own, "contradicted this node's death"),
            _ => {}
        }
    }

    fn send_to(&mut self, to: Peer, data: &[u8]) {
        self.sends.push((to.address(), data.to_vec()));
    }

    fn submit_after(&mut self, event: Timer<Peer>, after: Duration) {
        self.timers.push((after, event));
    }
}
