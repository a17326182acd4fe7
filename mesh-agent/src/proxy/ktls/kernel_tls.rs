use super::gate::Gate;
use super::trial::{self, TrialError};
use super::wish::Ktls;
use rustls::{CipherSuite, SupportedCipherSuite};

/// The suites that a kernel may know.
const SUITES: [CipherSuite; 5] = [
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
];

/// The one that was tried for it: records do not show what kind of key signed the handshake.
fn tried_as(suite: CipherSuite) -> CipherSuite {
    match suite {
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => {
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        }
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => {
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        }
        suite => suite,
    }
}

/// What this host's kernel does of TLS, as a trial has shown, and when to have it done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelTls {
    /// Whether each of [`SUITES`] passed.
    suites: [bool; SUITES.len()],
    /// Keys of a connection can be changed (Linux 6.14).
    pub rekeys: bool,
    pub gate: Gate,
}

/// Why the kernel is not used.
#[derive(Debug, thiserror::Error)]
pub enum NoKernelTls {
    #[error("it is configured so")]
    Off,
    #[error(
        "the kernel cannot change the keys of a connection (Linux 6.14 can), so that each would be cut after 2^24 \
         records; \"on\" has it do so all the same"
    )]
    KeepsKeys,
    #[error("{0}")]
    Trial(#[from] TrialError),
}

impl KernelTls {
    /// Finds out by a trial: some handshakes with itself over the loopback, and bytes compared. Takes milliseconds,
    /// at most some seconds on a kernel that answers wrongly.
    ///
    /// # Errors
    /// It is not wanted, or the kernel does not pass; the message says where it failed.
    pub fn find(wish: Ktls) -> Result<Self, NoKernelTls> {
        let gate = match wish {
            Ktls::Off => return Err(NoKernelTls::Off),
            Ktls::Auto => Gate::BULK,
            Ktls::On => Gate::OPEN,
        };
        let [fastest, others @ ..] = SUITES;
        let found = trial::run(fastest)?;
        if wish == Ktls::Auto && !found.rekeys {
            return Err(NoKernelTls::KeepsKeys);
        }
        let mut suites = [true; SUITES.len()];
        for (passed, suite) in suites[1..].iter_mut().zip(others) {
            let tried = trial::run(suite);
            *passed = tried.is_ok();
            if let Err(error) = tried {
                let suite = suite.as_str().unwrap_or_default();
                tracing::info!(suite, %error, "the agent seals by this suite itself: the kernel fails with it");
            }
        }
        Ok(Self { suites, rekeys: found.rekeys, gate })
    }

    /// Before a trial: that it can all.
    #[cfg(target_os = "linux")]
    pub(super) fn presumed() -> Self {
        Self { suites: [true; SUITES.len()], rekeys: true, gate: Gate::OPEN }
    }

    pub fn knows(&self, suite: SupportedCipherSuite) -> bool {
        let suite = tried_as(suite.suite());
        SUITES.iter().zip(self.suites).any(|(tried, passed)| passed && *tried == suite)
    }

    /// What it can, for people.
    pub fn told(&self) -> String {
        let passed = SUITES.iter().zip(self.suites).filter(|(_, passed)| *passed);
        let names: Vec<&str> = passed.filter_map(|(suite, _)| suite.as_str()).collect();
        let keys = if self.rekeys { "" } else { ", which cannot change keys: what goes on for long is cut" };
        format!("by the kernel{keys} ({})", names.join(", "))
    }
}
