use super::facade::{Consensus, ConsensusError, Consistency, Later};
use crate::state::{Command, Outcome, Store, Topic};
use crate::view::Heard;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long the view may take to show what the servers have, before a reader is told that it does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// What an agent that keeps no replicated state asks of the servers.
pub trait Servers: Send + Sync {
    /// Completes once the command is committed.
    fn write(&self, command: Command) -> Later<'_, Result<Written, ConsensusError>>;
    /// The index up to which a view must be, so that a read of it is as consistent as asked for.
    fn newest(&self, consistency: Consistency) -> Later<'_, Result<u64, ConsensusError>>;
}

/// What came of a write.
#[derive(Clone, Debug)]
pub struct Written {
    pub outcome: Outcome,
    /// A view of this index shows it.
    pub viewed: u64,
}

/// Agreement as a client agent has it: writes go to the servers, reads wait until the view is there.
pub struct ClientAgreement {
    servers: Arc<dyn Servers>,
    store: Arc<Store>,
    heard: watch::Receiver<Option<Heard>>,
}

impl ClientAgreement {
    /// `store` is the one that a `view::Keeper` keeps, `heard` what it tells.
    pub fn new(servers: Arc<dyn Servers>, store: Arc<Store>, heard: watch::Receiver<Option<Heard>>) -> Self {
        Self { servers, store, heard }
    }

    /// Whether the view came to this index in time. Registered before it looks, so that no change is missed.
    async fn comes_to(&self, viewed: u64) -> bool {
        let watch = self.store.watch(&Topic::VIEWED);
        let there = async {
            let mut seen = 0;
            while self.store.state().viewed_index() < viewed {
                seen = watch.changed(seen.max(self.store.state().applied())).await;
            }
        };
        timeout(PATIENCE, there).await.is_ok()
    }
}

impl Consensus for ClientAgreement {
    /// Whoever writes here reads here what was written.
    fn write(&self, command: Command) -> Later<'_, Result<Outcome, ConsensusError>> {
        Box::pin(async move {
            let Written { outcome, viewed } = self.servers.write(command).await?;
            if !self.comes_to(viewed).await {
                tracing::warn!(index = viewed, "a write is done, but the view does not show it yet");
            }
            Ok(outcome)
        })
    }

    fn catch_up(&self, consistency: Consistency) -> Later<'_, Result<(), ConsensusError>> {
        Box::pin(async move {
            if consistency == Consistency::Stale {
                return Ok(());
            }
            let viewed = self.servers.newest(consistency).await?;
            let there = self.comes_to(viewed).await;
            if there { Ok(()) } else { Err(ConsensusError::Lagging { waited: PATIENCE }) }
        })
    }

    fn leader(&self) -> Option<String> {
        self.heard.borrow().as_ref().and_then(|heard| heard.standing.leader.clone())
    }

    fn peers(&self) -> Vec<String> {
        self.heard.borrow().as_ref().map(|heard| heard.standing.servers.clone()).unwrap_or_default()
    }

    fn last_contact(&self) -> Option<Duration> {
        let heard = self.heard.borrow();
        heard.as_ref().map(|heard| heard.standing.last_contact + heard.at.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, CatalogError, ReadOptions};
    use crate::state::fixtures::register_service;
    use crate::state::{ListServices, ViewChange};
    use crate::view::Standing;
    use tokio::time::Instant;

    /// Servers whose state the view has only when the test shows it.
    struct Far(Arc<Store>);

    impl Servers for Far {
        fn write(&self, command: Command) -> Later<'_, Result<Written, ConsensusError>> {
            let index = self.0.state().applied().max(10) + 1;
            let outcome = self.0.apply(index, vec![command]).remove(0);
            Box::pin(async move { Ok(Written { outcome, viewed: self.0.state().viewed_index() }) })
        }
        fn newest(&self, _: Consistency) -> Later<'_, Result<u64, ConsensusError>> {
            Box::pin(async { Ok(self.0.state().viewed_index()) })
        }
    }

    struct World {
        servers: Arc<Store>,
        view: Arc<Store>,
        catalog: Catalog,
        _heard: watch::Sender<Option<Heard>>,
    }

    fn world() -> World {
        let (servers, view) = (Arc::<Store>::default(), Arc::<Store>::default());
        let heard = Heard { standing: Standing::default(), at: Instant::now() };
        let (sender, heard) = watch::channel(Some(heard));
        let agreement = ClientAgreement::new(Arc::new(Far(servers.clone())), view.clone(), heard);
        let catalog = Catalog::new(view.clone(), Arc::new(agreement));
        World { servers, view, catalog, _heard: sender }
    }

    impl World {
        fn show(&self) {
            let change = ViewChange::between(&self.view.state(), &self.servers.state());
            self.view.follow(change, false).unwrap();
        }

        async fn read(&self, consistency: Consistency) -> Result<usize, CatalogError> {
            let options = ReadOptions { consistency, ..ReadOptions::default() };
            Ok(self.catalog.read(&ListServices, &options).await?.value.len())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_is_done_when_it_can_be_read_here() {
        let world = world();
        let write = world.catalog.write(register_service("n1", "web", "web"));
        tokio::pin!(write);
        assert!(timeout(Duration::from_secs(1), &mut write).await.is_err(), "the view does not show it yet");
        world.show();
        timeout(Duration::from_secs(1), write).await.unwrap().unwrap();
        assert_eq!(world.read(Consistency::Stale).await.unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_waits_for_what_the_servers_have_unless_it_may_be_stale() {
        let world = world();
        world.servers.apply(11, vec![register_service("n1", "web", "web")]);
        assert_eq!(world.read(Consistency::Stale).await.unwrap(), 0);
        for consistency in [Consistency::Default, Consistency::Consistent] {
            let behind = world.read(consistency).await.unwrap_err();
            assert!(behind.to_string().contains("is behind the servers' for 5s"), "{behind}");
        }
        let read = world.read(Consistency::Default);
        tokio::pin!(read);
        assert!(timeout(Duration::from_secs(1), &mut read).await.is_err());
        world.show();
        assert_eq!(read.await.unwrap(), 1);
    }
}
