use crate::catalog::{ConsensusError, Later};
use crate::http::{Elsewhere, Inside};
use crate::model::Datacenter;
use crate::peer::{Federation, Pages, RemoteServers, Unreached, pass_on, way_to_leader};
use crate::raft::RaftNode;
use crate::rpc::Pool;
use crate::wire::{PassedAnswer, PassedRequest};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A client agent passes requests on to any server.
pub(in crate::agent) struct ToServers(pub RemoteServers);

impl Elsewhere for ToServers {
    fn leads_here(&self) -> bool {
        false
    }

    fn pass_on(&self, request: PassedRequest, patience: Duration) -> Later<'_, Result<PassedAnswer, String>> {
        Box::pin(async move { self.0.pass_on(&request, patience).await })
    }

    fn pass_across<'a>(
        &'a self,
        _: &'a Datacenter,
        request: PassedRequest,
        patience: Duration,
    ) -> Later<'a, Result<PassedAnswer, String>> {
        // The servers of this datacenter know the way; the request says where to.
        self.pass_on(request, patience)
    }

    fn datacenters(&self) -> Vec<Datacenter> {
        Vec::new()
    }
}

/// A server passes on what only the leader can answer.
pub(in crate::agent) struct ToLeader {
    pub raft: Arc<RaftNode>,
    pub pool: Option<Pool>,
    pub federation: Option<Arc<Federation>>,
}

impl Elsewhere for ToLeader {
    fn leads_here(&self) -> bool {
        self.raft.leads()
    }

    fn pass_on(&self, request: PassedRequest, patience: Duration) -> Later<'_, Result<PassedAnswer, String>> {
        Box::pin(async move {
            let Some((leader, pool)) = way_to_leader(&self.raft, self.pool.as_ref()) else {
                return Err(ConsensusError::NoLeader.to_string());
            };
            pass_on(pool, leader, &request, patience).await
        })
    }

    fn pass_across<'a>(
        &'a self,
        datacenter: &'a Datacenter,
        request: PassedRequest,
        patience: Duration,
    ) -> Later<'a, Result<PassedAnswer, String>> {
        Box::pin(async move {
            match &self.federation {
                Some(federation) => federation.pass_on(datacenter, &request, patience).await,
                None => Err(Unreached::NoPath.to_string()),
            }
        })
    }

    fn datacenters(&self) -> Vec<Datacenter> {
        self.federation.as_ref().map(|federation| federation.datacenters()).unwrap_or_default()
    }
}

/// The API as other nodes reach it, once it is there.
#[derive(Clone, Default)]
pub(in crate::agent) struct InsidePages(Arc<OnceLock<Inside>>);

impl InsidePages {
    pub fn open(&self, inside: Inside) {
        // It is opened once, when the house is built.
        let _ = self.0.set(inside);
    }
}

impl Pages for InsidePages {
    fn answer(&self, request: PassedRequest) -> Later<'_, Result<PassedAnswer, String>> {
        Box::pin(async move {
            match self.0.get() {
                Some(inside) => inside.answer(request).await,
                None => Err("this server is starting: try again".to_owned()),
            }
        })
    }
}
