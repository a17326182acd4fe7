use super::question::Fault;
use crate::catalog::{Catalog, CatalogError, Consensus, ConsensusError, ReadOptions};
use crate::leader::PrimaryState;
use crate::model::Intention;
use crate::state::{CaView, GetCa, ListIntentions, Query, State, Store, Topic};
use std::sync::Arc;
use std::time::Duration;

/// How long another datacenter's question waits for something newer.
pub(super) const REPLICATION: Duration = Duration::from_secs(60);

/// All that other datacenters follow.
struct Followed;

impl Query for Followed {
    type Output = (Vec<Arc<Intention>>, CaView);
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Intentions, Topic::Ca]
    }
    fn run(&self, state: &State) -> Self::Output {
        (ListIntentions.run(state), GetCa.run(state))
    }
}

/// What there is, once its index is above this one or some time is over; 0 asks for it at once.
pub(super) async fn replicate(
    store: &Arc<Store>,
    agreement: &Arc<dyn Consensus>,
    above: u64,
) -> Result<PrimaryState, Fault> {
    let catalog = Catalog::new(store.clone(), agreement.clone());
    let options = ReadOptions {
        above: Some(above).filter(|above| *above > 0),
        wait: REPLICATION,
        ..ReadOptions::default()
    };
    let reply = catalog.read(&Followed, &options).await.map_err(fault)?;
    let (intentions, ca) = reply.value;
    Ok(PrimaryState {
        index: reply.index,
        intentions: intentions.iter().map(|row| Intention::clone(row)).collect(),
        config: ca.config.map(|config| config.as_ref().clone()),
        roots: ca.roots.to_vec(),
    })
}

fn fault(error: CatalogError) -> Fault {
    match error {
        CatalogError::Consensus(error) => error.into(),
        CatalogError::Refused(refusal) => ConsensusError::Stopped { reason: refusal.to_string() }.into(),
    }
}
