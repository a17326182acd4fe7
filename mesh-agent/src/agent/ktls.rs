use super::error::StartError;
use crate::http::DataPlaneFacts;
use crate::proxy::{CounterValues, KernelTls, Ktls};

/// Whether the kernel encrypts for the proxies, and why.
#[derive(Clone)]
pub(super) struct FoundKtls {
    pub kernel: Option<KernelTls>,
    told: String,
}

impl FoundKtls {
    /// By a trial. What came of it is said once.
    ///
    /// # Errors
    /// The kernel is required to, and does not pass.
    pub fn new(wish: Ktls) -> Result<Self, StartError> {
        match KernelTls::find(wish) {
            Ok(kernel) => {
                let told = format!("{}: {}", if wish == Ktls::On { "on" } else { "auto" }, kernel.told());
                tracing::info!(%told, "the kernel can encrypt connections between nodes");
                Ok(Self { kernel: Some(kernel), told })
            }
            Err(error) if wish == Ktls::On => Err(error.into()),
            Err(error) => {
                tracing::info!(reason = %error, "the agent encrypts connections between nodes itself");
                Ok(Self { kernel: None, told: format!("off: {error}") })
            }
        }
    }

    /// For whoever asks how the data plane fares.
    pub fn facts(&self, counters: &CounterValues) -> DataPlaneFacts {
        let mut told = DataPlaneFacts::from([("ktls".to_owned(), self.told.clone())]);
        if self.kernel.is_some() {
            let counts = [
                ("sending", counters.ktls_sending),
                ("receiving", counters.ktls_receiving),
                ("refused", counters.ktls_refused),
                ("retired", counters.ktls_retired),
            ];
            told.extend(counts.map(|(name, count)| (format!("ktls.{name}"), count.to_string())));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_off_says_why_and_counts_nothing() {
        let found = FoundKtls::new(Ktls::Off).unwrap();
        let facts = found.facts(&CounterValues::default());
        assert_eq!(facts, DataPlaneFacts::from([("ktls".to_owned(), "off: it is configured so".to_owned())]));
    }
}
