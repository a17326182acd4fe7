use crate::dataplane::plane::{News, Soon};
use aya::Ebpf;
use aya_log::EbpfLogger;
use log::{Level, Log, Metadata, Record};
use std::io;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What programs tell that were built for it, for the agent's own log.
pub struct Records {
    ring: AsyncFd<EbpfLogger<Forward>>,
}

impl Records {
    /// `None` where the programs tell nothing, as those that the agent carries.
    pub(super) fn take(ebpf: &mut Ebpf) -> Option<io::Result<Self>> {
        let ring = EbpfLogger::init_with_logger(ebpf, Forward).ok()?;
        // SAFETY: the ring owns its descriptor, which stays the same and open for as long as it lives.
        let ring = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) };
        Some(ring.map(|ring| Self { ring }).map_err(io::Error::from))
    }
}

impl News for Records {
    /// When some have been written to the log.
    fn next(&mut self) -> Soon<'_, ()> {
        Box::pin(async {
            let Ok(mut ready) = self.ring.readable_mut().await else {
                return std::future::pending().await;
            };
            ready.clear_ready(); // First, so that what comes from here on makes it ready again.
            ready.get_inner_mut().flush();
        })
    }
}

/// From the facade that the library writes to, to ours.
struct Forward;

impl Log for Forward {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let (told, at) = (record.args(), record.line());
        match record.level() {
            Level::Error => tracing::error!(target: "mesh_ebpf", at, "{told}"),
            Level::Warn => tracing::warn!(target: "mesh_ebpf", at, "{told}"),
            Level::Info => tracing::info!(target: "mesh_ebpf", at, "{told}"),
            Level::Debug => tracing::debug!(target: "mesh_ebpf", at, "{told}"),
            Level::Trace => tracing::trace!(target: "mesh_ebpf", at, "{told}"),
        }
    }

    fn flush(&self) {}
}
