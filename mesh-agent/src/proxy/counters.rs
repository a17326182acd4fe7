use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What an engine has done since it started. Shared by its workers.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub(super) $name: AtomicU64,)*
        }

        /// [`Counters`] at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct CounterValues {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            pub fn values(&self) -> CounterValues {
                CounterValues { $($name: self.$name.load(Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Connections taken from listeners.
    accepted,
    /// Connections open now, in any phase.
    active,
    /// Refused by policy before a byte moved.
    denied,
    /// Open connections cut because policy changed.
    cut,
    /// Connections to a transparent listener that the kernel had not sent there.
    strangers,
    /// TLS handshakes that failed: certificate, protocol or deadline.
    handshake_failures,
    /// Refused because the service has no certificate yet.
    without_identity,
    /// Refused because no instance of the destination could be reached.
    without_endpoint,
    /// Refused because the application could not be reached.
    without_app,
    /// Refused because the engine holds as many connections as it may.
    over_limit,
    /// Streams that ended without TLS's closing alert.
    truncated,
    /// Connections that ended by a reset or an error while they carried data.
    broken,
    /// Plaintext bytes from applications to peers.
    bytes_to_peers,
    /// Plaintext bytes from peers to applications.
    bytes_to_apps,
    /// Connections whose sending way was handed to the kernel, which seals its records from then on.
    ktls_sending,
    /// Connections whose receiving way was handed to the kernel.
    ktls_receiving,
    /// Connections of which the kernel took no way over though it was to: they went on without it.
    ktls_refused,
    /// Connections that were cut because the kernel cannot change their keys.
    ktls_retired,
}

pub(super) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Relaxed);
}

pub(super) fn remove_one(counter: &AtomicU64) {
    counter.fetch_sub(1, Relaxed);
}
