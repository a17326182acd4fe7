use crate::event::{Broadcast, EventLog, ThisNode, UserEvent, pack, unpack};
use crate::gossip::{self, Gossip};
use crate::http::Events;
use crate::task::{Shutdown, TaskGroup};
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// Events travel by gossip; whoever fires one has heard it too.
struct Gossiped {
    gossip: Gossip,
    log: Arc<EventLog>,
}

/// Where there is no gossip there is nobody to tell.
pub(in crate::agent) fn open(
    gossip: Option<&Gossip>,
    node: Arc<dyn ThisNode>,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) -> Events {
    let Some(gossip) = gossip.cloned() else { return Events::of_one(node) };
    let log = Arc::new(EventLog::new(node));
    tasks.spawn("events", hear(gossip.clone(), log.clone(), shutdown.clone()));
    Events { log: log.clone(), carrier: Arc::new(Gossiped { gossip, log }) }
}

async fn hear(gossip: Gossip, log: Arc<EventLog>, shutdown: Shutdown) {
    let Some(mut events) = gossip.take_events() else { return };
    loop {
        let event = tokio::select! {
            Some(event) = events.recv() => event,
            () = shutdown.begun() => return,
            else => return,
        };
        match unpack(event.id, event.name, &event.payload) {
            Ok(event) => log.hear(event),
            Err(error) => tracing::warn!(id = %event.id, %error, "an event was not understood"),
        }
    }
}

impl Broadcast for Gossiped {
    fn broadcast(&self, event: UserEvent) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let (id, name, payload) = (event.id, event.name.clone(), pack(&event));
            let told = self.gossip.fire(gossip::UserEvent { id, name, payload }).await;
            told.map_err(|error| error.to_string())?;
            self.log.hear(event);
            Ok(())
        })
    }
}
