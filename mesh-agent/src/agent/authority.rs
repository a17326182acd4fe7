use super::config::ConnectConfig;
use super::error::StartError;
use crate::ca::{CaError, CaManager, CaSettings};
use crate::model::Opaque;
use crate::task::Shutdown;
use std::sync::Arc;
use std::time::Duration;

/// Between attempts to write the first root, while there is no leader.
const PERIOD: Duration = Duration::from_millis(500);

/// Gives the cluster's CA its first root, if it has none.
pub(super) struct Authority {
    ca: Arc<CaManager>,
    provider: String,
    config: Opaque,
}

impl Authority {
    /// # Errors
    /// The configuration is not valid, and never will be.
    pub fn new(ca: Arc<CaManager>, config: &ConnectConfig) -> Result<Self, StartError> {
        CaSettings::parse(&config.ca_provider, &config.ca_config).map_err(CaError::from)?;
        Ok(Self { ca, provider: config.ca_provider.clone(), config: config.ca_config.clone() })
    }

    /// # Errors
    /// The state could not be written.
    pub async fn initialise(&self) -> Result<(), CaError> {
        self.ca.initialise(&self.provider, &self.config).await
    }

    /// Tries until it is done. Several servers may: the state takes the first root alone.
    pub async fn run(self, shutdown: Shutdown) {
        loop {
            let tried = tokio::select! {
                tried = self.initialise() => tried,
                () = shutdown.begun() => return,
            };
            match tried {
                Ok(()) => return,
                Err(error) => tracing::debug!(%error, "the CA waits for a leader"),
            }
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = shutdown.begun() => return,
            }
        }
    }
}
