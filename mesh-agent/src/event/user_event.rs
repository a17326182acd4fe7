use bytes::Bytes;

pub type EventId = uuid::Uuid;

/// Something that a person or a program told all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEvent {
    pub id: EventId,
    pub name: String,
    pub payload: Bytes,
    /// Regular expressions; empty ones fit all.
    pub node_filter: String,
    pub service_filter: String,
    pub tag_filter: String,
    /// Logical time: no event that was heard before has a later one.
    pub lamport_time: u64,
}

/// The index under which clients wait for an event after this one: both halves of its id, which clients
/// compute too.
pub fn index_of(id: EventId) -> u64 {
    let (high, low) = id.as_u64_pair();
    high ^ low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_both_halves_of_the_id() {
        let id: EventId = "00000000-0000-0001-0000-000000000003".parse().unwrap();
        assert_eq!(index_of(id), 2);
    }
}
