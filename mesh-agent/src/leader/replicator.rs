use super::intention_plan;
use crate::ca::{CaError, CaManager, IntermediateSigner, PrimaryCa};
use crate::catalog::{Catalog, CatalogError};
use crate::model::{CaConfig, CaRoot, Intention};
use crate::state::{ListIntentions, Query};
use crate::task::Shutdown;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// What a datacenter follows of the primary.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PrimaryState {
    /// The primary's, of all this.
    pub index: u64,
    pub intentions: Vec<Intention>,
    /// None while it has no CA.
    pub config: Option<CaConfig>,
    pub roots: Vec<CaRoot>,
}

/// The primary datacenter, as its others reach it.
pub trait Primary: IntermediateSigner {
    /// What there is, once its index is above this one or some time is over. The error is for people.
    fn fetch(&self, above: u64) -> BoxFuture<'_, Result<PrimaryState, String>>;
}

/// Makes the intentions and the CA of this datacenter follow the primary's, while this server leads.
pub struct Replicator {
    primary: Arc<dyn Primary>,
    catalog: Catalog,
    ca: Arc<CaManager>,
    leads: Box<dyn Fn() -> bool + Send + Sync>,
}

/// How often a server that does not lead looks whether it does, and the pause after a failure.
const PERIOD: Duration = Duration::from_millis(500);

/// Why this datacenter does not say yet what the primary says.
#[derive(Debug, thiserror::Error)]
enum Behind {
    #[error("the primary datacenter does not answer: {0}")]
    Primary(String),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Ca(#[from] CaError),
}

impl Replicator {
    pub fn new(
        primary: Arc<dyn Primary>,
        catalog: Catalog,
        ca: Arc<CaManager>,
        leads: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { primary, catalog, ca, leads: Box::new(leads) }
    }

    pub async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            () = self.follow() => {}
            () = shutdown.begun() => {}
        }
    }

    async fn follow(&self) {
        let (mut index, mut told) = (0, false);
        loop {
            if !(self.leads)() {
                index = 0;
                tokio::time::sleep(PERIOD).await;
                continue;
            }
            match self.round(index).await {
                Ok(newer) => {
                    // An index that went back is another state's: it is read from the beginning.
                    index = if newer < index { 0 } else { newer };
                    told = false;
                }
                Err(error) => {
                    if !told {
                        tracing::warn!(%error, "what the primary datacenter says is not followed now; trying again");
                    }
                    (index, told) = (0, true);
                    tokio::time::sleep(PERIOD).await;
                }
            }
        }
    }

    async fn round(&self, above: u64) -> Result<u64, Behind> {
        let PrimaryState { index, intentions, config, roots } =
            self.primary.fetch(above).await.map_err(Behind::Primary)?;
        // It may have been asked a minute ago.
        if !(self.leads)() {
            return Ok(0);
        }
        let own = ListIntentions.run(&self.catalog.state());
        for command in intention_plan::plan(&intentions, &own) {
            self.catalog.write(command).await?;
        }
        if let Some(config) = config {
            self.ca.follow(PrimaryCa { config, roots }, &*self.primary).await?;
        }
        Ok(index)
    }
}
