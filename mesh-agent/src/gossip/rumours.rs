use super::GossipError;
use super::peer::Peer;
use serde::{Deserialize, Serialize};
use std::collections::{HashSet, VecDeque};
use tokio::sync::mpsc;

/// Something that one agent wants all to know, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEvent {
    pub id: uuid::Uuid,
    pub name: String,
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

/// Most bytes of an event as it travels: it has to fit beside a head into one datagram.
pub(super) const MOST_EVENT: usize = 512;
/// So many events are remembered, so that none is told twice.
const REMEMBERED: usize = 1024;

impl UserEvent {
    pub(super) fn encode(&self) -> Result<Vec<u8>, GossipError> {
        let bytes = rmp_serde::to_vec(self).expect("an event has nothing that cannot be encoded");
        match bytes.len() {
            found if found > MOST_EVENT => Err(GossipError::EventTooLarge { found, most: MOST_EVENT }),
            _ => Ok(bytes),
        }
    }
}

/// Takes each event once, and hands it on.
pub(super) struct Rumours {
    seen: HashSet<uuid::Uuid>,
    order: VecDeque<uuid::Uuid>,
    events: mpsc::Sender<UserEvent>,
}

/// Two messages of one event.
pub(super) struct EventId(uuid::Uuid);

impl foca::Invalidates for EventId {
    fn invalidates(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Rumours {
    pub fn new(events: mpsc::Sender<UserEvent>) -> Self {
        Self { seen: HashSet::new(), order: VecDeque::new(), events }
    }

    fn is_new(&mut self, id: uuid::Uuid) -> bool {
        if !self.seen.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}

impl foca::BroadcastHandler<Peer> for Rumours {
    type Key = EventId;
    type Error = rmp_serde::decode::Error;

    fn receive_item(&mut self, data: &[u8], _: Option<&Peer>) -> Result<Option<EventId>, Self::Error> {
        let event: UserEvent = rmp_serde::from_slice(data)?;
        let id = event.id;
        if !self.is_new(id) {
            return Ok(None);
        }
        if self.events.try_send(event).is_err() {
            // Nobody takes them, or not as fast as they come; the others still hear of it.
            metrics::counter!("gossip.events.dropped").increment(1);
        }
        Ok(Some(EventId(id)))
    }
}
