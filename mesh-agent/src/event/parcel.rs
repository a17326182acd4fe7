use super::UserEvent;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// An event without its id and name, which whoever carries it has besides.
#[derive(Serialize, Deserialize)]
struct Parcel {
    payload: ByteBuf,
    node_filter: String,
    service_filter: String,
    tag_filter: String,
    lamport_time: u64,
}

/// What of an event travels beside its id and name, in few bytes.
pub fn pack(event: &UserEvent) -> Vec<u8> {
    let parcel = Parcel {
        payload: ByteBuf::from(event.payload.to_vec()),
        node_filter: event.node_filter.clone(),
        service_filter: event.service_filter.clone(),
        tag_filter: event.tag_filter.clone(),
        lamport_time: event.lamport_time,
    };
    rmp_serde::to_vec(&parcel).expect("texts and numbers can be encoded")
}

/// What [`pack`] made, as the event that it was.
///
/// # Errors
/// The bytes are not such a parcel.
pub fn unpack(id: uuid::Uuid, name: String, packed: &[u8]) -> Result<UserEvent, rmp_serde::decode::Error> {
    let parcel: Parcel = rmp_serde::from_slice(packed)?;
    Ok(UserEvent {
        id,
        name,
        payload: Bytes::from(parcel.payload.into_vec()),
        node_filter: parcel.node_filter,
        service_filter: parcel.service_filter,
        tag_filter: parcel.tag_filter,
        lamport_time: parcel.lamport_time,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_arrives_as_it_was_sent() {
        let event = UserEvent {
            id: uuid::Uuid::from_u128(7),
            name: "deploy".to_owned(),
            payload: Bytes::from_static(b"\x00\xff1.2"),
            node_filter: "^n".to_owned(),
            service_filter: "web".to_owned(),
            tag_filter: "v1".to_owned(),
            lamport_time: 3,
        };
        let packed = pack(&event);
        assert!(packed.len() < 30, "{} bytes", packed.len());
        assert_eq!(unpack(event.id, event.name.clone(), &packed).unwrap(), event);
        unpack(event.id, String::new(), &packed[1..]).unwrap_err();
    }
}
