use super::catalog_plan::{HEALTH, Limits, Row};
use super::voter_plan::VoterChange;
use super::{Voters, catalog_plan, voter_plan};
use crate::catalog::Catalog;
use crate::clock::{Clock, Timestamp};
use crate::gossip::{Gossip, Members};
use crate::model::AutopilotConfig;
use crate::state::{AllChecks, Command, GetAutopilot, ListNodes, Query};
use crate::task::Shutdown;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Makes the catalog and the list of voters say who is alive, while this server leads.
pub struct Reconciler {
    members: watch::Receiver<Arc<Members>>,
    catalog: Catalog,
    voters: Arc<dyn Voters>,
    /// What this server's configuration says, for a cluster in which nobody has said it yet.
    autopilot: AutopilotConfig,
    clock: Clock,
    limits: Limits,
    /// Who was a member since this server leads. Others may keep their own check: they do not gossip.
    seen: BTreeSet<Arc<str>>,
    /// Those of them that are none now, since when.
    missing: BTreeMap<Arc<str>, Timestamp>,
}

/// How often everything is compared; changes of members are looked at at once.
const INTERVAL: Duration = Duration::from_secs(2);
const REAP: Duration = Duration::from_secs(72 * 3600);
const GRACE: Duration = Duration::from_secs(30);

impl Reconciler {
    pub fn new(
        gossip: &Gossip,
        catalog: Catalog,
        voters: Arc<dyn Voters>,
        autopilot: AutopilotConfig,
    ) -> Self {
        Self::following(gossip.watch(), catalog, voters, autopilot, Clock::System)
    }

    pub(super) fn following(
        members: watch::Receiver<Arc<Members>>,
        catalog: Catalog,
        voters: Arc<dyn Voters>,
        autopilot: AutopilotConfig,
        clock: Clock,
    ) -> Self {
        let limits = Limits { reap: REAP, grace: GRACE };
        Self {
            members,
            catalog,
            voters,
            autopilot,
            clock,
            limits,
            seen: BTreeSet::new(),
            missing: BTreeMap::new(),
        }
    }

    pub async fn run(mut self, shutdown: Shutdown) {
        while !shutdown.has_begun() {
            let members = self.members.borrow_and_update().clone();
            if self.voters.leads() {
                self.reconcile(&members).await;
            } else {
                self.missing.clear();
                self.seen.clear();
            }
            let ended = tokio::select! {
                changed = self.members.changed() => changed.is_err(),
                () = tokio::time::sleep(INTERVAL) => false,
                () = shutdown.begun() => true,
            };
            if ended {
                break;
            }
        }
    }

    /// One round. What fails is tried again in the next.
    pub(super) async fn reconcile(&mut self, members: &Members) {
        self.write_catalog(members).await;
        self.write_autopilot().await;
        self.change_voters(members).await;
    }

    async fn write_catalog(&mut self, members: &Members) {
        let rows = self.rows();
        let now = self.clock.now();
        self.note_missing(members, &rows, now);
        for command in catalog_plan::plan(members, &rows, &self.missing, &self.limits, now) {
            if let Err(error) = self.catalog.write(command).await {
                tracing::warn!(%error, "the catalog does not say yet who is alive");
            }
        }
    }

    fn rows(&self) -> BTreeMap<Arc<str>, Row> {
        let state = self.catalog.state();
        let nodes = ListNodes.run(&state).into_iter();
        let mut rows: BTreeMap<_, _> =
            nodes.map(|node| (node.name.folded(), Row { node, health: None })).collect();
        for check in AllChecks(None).run(&state).iter().filter(|check| check.id.as_str() == HEALTH) {
            if let Some(row) = rows.get_mut(&check.node.folded()) {
                row.health = Some(check.status);
            }
        }
        rows
    }

    fn note_missing(&mut self, members: &Members, rows: &BTreeMap<Arc<str>, Row>, now: Timestamp) {
        let is_missing = |name: &Arc<str>| {
            rows.get(name).is_some_and(|r| r.health.is_some()) && members.get(name).is_none()
        };
        self.seen.extend(members.iter().map(|known| known.member.name.folded()));
        self.missing.retain(|name, _| is_missing(name));
        self.seen.retain(|name| rows.contains_key(name) || members.get(name).is_some());
        for name in self.seen.iter().filter(|name| is_missing(name)) {
            self.missing.entry(name.clone()).or_insert(now);
        }
    }

    /// Once in a cluster's life, where a configuration differs from the defaults.
    async fn write_autopilot(&self) {
        let is_said = GetAutopilot.run(&self.catalog.state()).is_some();
        if is_said || self.autopilot == AutopilotConfig::default() {
            return;
        }
        let command = Command::SetAutopilot { config: self.autopilot.clone(), expected: Some(0) };
        if let Err(error) = self.catalog.write(command).await {
            tracing::warn!(%error, "autopilot's configuration is not kept yet");
        }
    }

    async fn change_voters(&self, members: &Members) {
        let voters = self.voters.list();
        let autopilot = GetAutopilot.run(&self.catalog.state());
        let autopilot = autopilot.as_deref().unwrap_or(&self.autopilot);
        for change in voter_plan::plan(members, &voters, autopilot, self.clock.now()) {
            match self.change(&change).await {
                Ok(()) => return tracing::info!(?change, "the servers were changed"),
                Err(error) => tracing::warn!(?change, %error, "the servers could not be changed yet"),
            }
        }
    }

    async fn change(&self, change: &VoterChange) -> Result<(), String> {
        match *change {
            VoterChange::Add(id, address) => self.voters.add(id, address).await,
            VoterChange::Promote(id) => self.voters.promote(id).await,
            VoterChange::Remove(id) => self.voters.remove(id).await,
        }
    }
}
