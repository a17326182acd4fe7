use super::question::{CaFault, Fault, method};
use super::replica::REPLICATION;
use crate::ca::CaError;
use crate::catalog::ConsensusError;
use crate::gossip::Gossip;
use crate::leader::PrimaryState;
use crate::model::Datacenter;
use crate::pki::cluster::ClusterTls;
use crate::rpc::{Pool, RpcError, RpcLimits};
use crate::wire::{PassedAnswer, PassedRequest};
use rand::seq::SliceRandom;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// How many servers of a datacenter are asked before a call fails.
const ATTEMPTS: usize = 3;

/// The way from a server to those of other datacenters, which the list of all servers tells of.
pub struct Federation {
    own: Datacenter,
    tls: ClusterTls,
    wan: OnceLock<Gossip>,
    /// Servers of each datacenter have names of their own, so a connection is for one of them.
    pools: Mutex<BTreeMap<Datacenter, Pool>>,
}

/// Why another datacenter has not answered.
#[derive(Debug, thiserror::Error)]
pub enum Unreached {
    #[error("No path to datacenter")]
    NoPath,
    #[error("no server of datacenter {datacenter} answers: {source}")]
    Failed {
        datacenter: Datacenter,
        #[source]
        source: RpcError,
    },
    #[error("{reason}")]
    Refused { reason: String },
}

/// As in DNS, case does not count.
fn same(one: &Datacenter, other: &Datacenter) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

/// The round trips to the servers of each datacenter, as far as they are known.
fn distances(wan: &Gossip) -> BTreeMap<Datacenter, Vec<Duration>> {
    let (members, places, own) = (wan.members(), wan.places(), *wan.place().borrow());
    let mut distances = BTreeMap::<Datacenter, Vec<Duration>>::new();
    for member in members.alive().map(|known| &known.member) {
        let place = places.get(&member.gossip());
        distances
            .entry(member.datacenter.clone())
            .or_default()
            .extend(place.map(|place| own.distance(place)));
    }
    distances
}

/// Of none it is the longest there is.
fn median(mut trips: Vec<Duration>) -> Duration {
    trips.sort();
    trips.get(trips.len() / 2).copied().unwrap_or(Duration::MAX)
}

impl Federation {
    pub fn new(own: Datacenter, tls: ClusterTls) -> Self {
        Self { own, tls, wan: OnceLock::new(), pools: Mutex::default() }
    }

    /// From now on other datacenters are known.
    pub fn open(&self, wan: Gossip) {
        // It is opened once, when the house is built.
        let _ = self.wan.set(wan);
    }

    pub fn own(&self) -> &Datacenter {
        &self.own
    }

    /// This one first, then those with servers that live: the nearest first, and by name where that is not known.
    pub fn datacenters(&self) -> Vec<Datacenter> {
        let mut others = self.wan.get().map(distances).unwrap_or_default();
        others.retain(|other, _| !same(other, &self.own));
        let mut sorted: Vec<(Duration, Datacenter)> =
            others.into_iter().map(|(name, trips)| (median(trips), name)).collect();
        sorted.sort();
        std::iter::once(self.own.clone()).chain(sorted.into_iter().map(|(_, name)| name)).collect()
    }

    /// The servers of a datacenter that live, in an order of chance.
    fn servers(&self, datacenter: &Datacenter) -> Vec<SocketAddr> {
        let members = self.wan.get().map(Gossip::members).unwrap_or_default();
        let of_it = members.alive().map(|known| &known.member);
        let of_it = of_it.filter(|member| member.is_server() && same(&member.datacenter, datacenter));
        let mut servers: Vec<SocketAddr> = of_it.map(crate::gossip::Member::rpc).collect();
        servers.shuffle(&mut rand::rng());
        servers
    }

    fn pool(&self, datacenter: &Datacenter) -> Result<Pool, Unreached> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(datacenter) {
            return Ok(pool.clone());
        }
        let tls = self.tls.towards(datacenter.as_str()).map_err(|error| Unreached::Refused {
            reason: format!("datacenter {datacenter} cannot be called: {error}"),
        })?;
        let pool = Pool::new(tls, RpcLimits::default());
        pools.insert(datacenter.clone(), pool.clone());
        Ok(pool)
    }

    /// Passes on a request to the API, which may wait for `patience` there.
    ///
    /// # Errors
    /// No server of the datacenter is known or answers.
    pub async fn pass_on(
        &self,
        datacenter: &Datacenter,
        request: &PassedRequest,
        patience: Duration,
    ) -> Result<PassedAnswer, String> {
        let passed: Result<Result<PassedAnswer, String>, Unreached> =
            self.call(datacenter, method::API, request, method::ASK + patience).await;
        passed.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// What the primary says, once its index is above this one or some time is over.
    ///
    /// # Errors
    /// No server of it answers, or it has no leader.
    pub async fn replicate(&self, primary: &Datacenter, above: u64) -> Result<PrimaryState, String> {
        let patience = REPLICATION + method::ASK;
        let answer: Result<Result<PrimaryState, Fault>, Unreached> =
            self.call(primary, method::REPLICATE, &above, patience).await;
        let answer = answer.map_err(|error| error.to_string())?;
        answer.map_err(|fault| ConsensusError::from(fault).to_string())
    }

    /// Has the primary sign the request of this datacenter's authority.
    ///
    /// # Errors
    /// It refuses, or no server of it answers.
    pub async fn sign_intermediate(&self, primary: &Datacenter, csr_pem: &str) -> Result<String, CaError> {
        let answer: Result<Result<String, CaFault>, Unreached> =
            self.call(primary, method::SIGN_INTERMEDIATE, &csr_pem, method::ASK).await;
        match answer {
            Ok(signed) => Ok(signed?),
            Err(error) => Err(CaError::Elsewhere { refused: false, reason: error.to_string() }),
        }
    }

    /// Asks servers of a datacenter, until one can have taken the question.
    ///
    /// # Errors
    /// None is known, or none answers.
    pub(super) async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        datacenter: &Datacenter,
        method: &'static str,
        question: &Q,
        patience: Duration,
    ) -> Result<A, Unreached> {
        let servers = self.servers(datacenter);
        if servers.is_empty() {
            return Err(Unreached::NoPath);
        }
        let pool = self.pool(datacenter)?;
        let mut last = Unreached::NoPath;
        for server in servers.into_iter().take(ATTEMPTS) {
            match pool.call(server, method, question, patience).await {
                Ok(answer) => return Ok(answer),
                Err(source) => {
                    let again = !source.may_have_been_taken();
                    last = Unreached::Failed { datacenter: datacenter.clone(), source };
                    if !again {
                        break;
                    }
                }
            }
        }
        Err(last)
    }
}
