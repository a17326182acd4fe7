use super::{Filters, UserEvent};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};

/// How many events are kept.
const KEPT: usize = 256;
/// The event by which an operator has nodes run a command. It is not kept, and nobody who lists events sees it.
const REMOTE_EXEC: &str = "_rexec";

/// Carries an event to all nodes, this one among them.
pub trait Broadcast: Send + Sync {
    /// The error is for people: nobody has heard of the event then.
    fn broadcast(&self, event: UserEvent) -> BoxFuture<'_, Result<(), String>>;
}

/// Says what an event may ask of this node.
pub trait ThisNode: Send + Sync {
    fn name(&self) -> String;
    /// The services of this node with their tags.
    fn services(&self) -> Vec<(String, Vec<String>)>;
}

/// The newest events that concern this node, in the order in which they were heard.
pub struct EventLog {
    node: Arc<dyn ThisNode>,
    heard: Mutex<Heard>,
    /// Rings with every new one.
    bell: watch::Sender<()>,
    /// Who carries out commands; nobody, unless the configuration wants it.
    orders: Mutex<Option<mpsc::Sender<Bytes>>>,
}

#[derive(Default)]
struct Heard {
    events: VecDeque<Arc<UserEvent>>,
    lamport_time: u64,
}

impl EventLog {
    pub fn new(node: Arc<dyn ThisNode>) -> Self {
        Self { node, heard: Mutex::default(), bell: watch::Sender::new(()), orders: Mutex::default() }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The logical time of an event that is fired now.
    pub fn next_time(&self) -> u64 {
        let mut heard = self.heard();
        heard.lamport_time += 1;
        heard.lamport_time
    }

    /// Kept, if it concerns this node. One that was heard already is heard once.
    pub fn hear(&self, event: UserEvent) {
        let concerns = match Filters::of(&event) {
            Ok(filters) => filters.concern(&self.node.name(), &self.node.services()),
            Err(error) => {
                tracing::warn!(event = event.name, %error, "an event was not understood");
                false
            }
        };
        let mut heard = self.heard();
        heard.lamport_time = heard.lamport_time.max(event.lamport_time);
        if event.name == REMOTE_EXEC {
            drop(heard);
            if concerns {
                self.order(event);
            }
            return;
        }
        if !concerns || heard.events.iter().any(|known| known.id == event.id) {
            return;
        }
        if heard.events.len() == KEPT {
            heard.events.pop_front();
        }
        heard.events.push_back(Arc::new(event));
        drop(heard);
        self.bell.send_replace(());
    }

    /// What nodes are to run goes here from now on, and no further.
    pub fn take_orders(&self, orders: mpsc::Sender<Bytes>) {
        *self.orders.lock().unwrap_or_else(PoisonError::into_inner) = Some(orders);
    }

    fn order(&self, event: UserEvent) {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        match &*orders {
            None => tracing::info!(id = %event.id, "a remote command is ignored: see disable_remote_exec"),
            Some(orders) if orders.try_send(event.payload).is_err() => {
                tracing::warn!(id = %event.id, "a remote command is ignored: too many wait");
            }
            Some(_) => {}
        }
    }

    /// All that are kept; only those of a name, where one is given.
    pub fn events(&self, name: Option<&str>) -> Vec<Arc<UserEvent>> {
        let wanted = |event: &&Arc<UserEvent>| name.is_none_or(|name| event.name == name);
        self.heard().events.iter().filter(wanted).cloned().collect()
    }

    /// Subscribe, then read, then wait.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }
}

/// The only node there is carries its events by hearing them.
impl Broadcast for EventLog {
    fn broadcast(&self, event: UserEvent) -> BoxFuture<'_, Result<(), String>> {
        self.hear(event);
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    struct Alone;

    impl ThisNode for Alone {
        fn name(&self) -> String {
            "n1".to_owned()
        }
        fn services(&self) -> Vec<(String, Vec<String>)> {
            Vec::new()
        }
    }

    fn event(number: u128, name: &str, node: &str) -> UserEvent {
        UserEvent {
            id: uuid::Uuid::from_u128(number),
            name: name.to_owned(),
            payload: Bytes::new(),
            node_filter: node.to_owned(),
            service_filter: String::new(),
            tag_filter: String::new(),
            lamport_time: number as u64,
        }
    }

    #[test]
    fn the_newest_are_kept_once_each() {
        let log = EventLog::new(Arc::new(Alone));
        for number in 1..=300 {
            log.hear(event(number, "deploy", ""));
            log.hear(event(number, "deploy", ""));
        }
        let kept = log.events(None);
        assert_eq!((kept.len(), kept[0].lamport_time, kept[255].lamport_time), (256, 45, 300));
        assert_eq!(log.next_time(), 301);
    }

    #[test]
    fn only_what_concerns_this_node_rings() {
        let log = EventLog::new(Arc::new(Alone));
        let mut bell = log.subscribe();
        log.hear(event(1, "deploy", "^n2$"));
        assert!(!bell.has_changed().unwrap() && log.events(None).is_empty());
        log.hear(event(2, "deploy", "n1"));
        assert!(bell.has_changed().unwrap());
        bell.mark_unchanged();
        assert_eq!((log.events(Some("deploy")).len(), log.events(Some("other")).len()), (1, 0));
    }

    #[tokio::test]
    async fn commands_go_to_who_carries_them_out_and_are_shown_to_nobody() {
        let log = EventLog::new(Arc::new(Alone));
        log.hear(event(1, "_rexec", ""));
        let (orders, mut carried) = mpsc::channel(1);
        log.take_orders(orders);
        log.hear(event(2, "_rexec", "^n2$"));
        assert!(carried.try_recv().is_err(), "not this node's, or before anybody was there");
        log.hear(event(3, "_rexec", "^n1$"));
        log.hear(event(4, "_rexec", ""));
        assert_eq!((carried.try_recv().is_ok(), carried.try_recv().is_ok()), (true, false));
        assert!(log.events(None).is_empty());
    }
}
