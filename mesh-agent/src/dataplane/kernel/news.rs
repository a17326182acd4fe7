use crate::dataplane::plane::{News, Soon};
use aya::maps::{MapData, RingBuf};
use std::io;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What the programs want to be looked at: somebody has begun to listen, or has no door in its network namespace.
pub struct KernelNews {
    ring: AsyncFd<RingBuf<MapData>>,
}

impl KernelNews {
    pub(super) fn new(ring: RingBuf<MapData>) -> io::Result<Self> {
        // SAFETY: the ring owns its descriptor, which stays the same and open for as long as it lives.
        Ok(Self { ring: unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE)? } })
    }

    /// Takes all that there is, since one look answers all of it.
    async fn take(&mut self) -> io::Result<()> {
        let mut some = false;
        while !some {
            let mut ready = self.ring.readable_mut().await?;
            ready.clear_ready(); // First, so that what comes from here on makes it ready again.
            while ready.get_inner_mut().next().is_some() {
                some = true;
            }
        }
        Ok(())
    }
}

impl News for KernelNews {
    fn next(&mut self) -> Soon<'_, ()> {
        Box::pin(async {
            if self.take().await.is_err() {
                std::future::pending::<()>().await; // Then there are surveys by time alone.
            }
        })
    }
}
