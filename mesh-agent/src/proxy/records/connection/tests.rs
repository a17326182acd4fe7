use super::*;
use crate::pki::SpiffeId;
use crate::proxy::config::{ClientConfigs, ServerConfigs};
use crate::proxy::handshake::Handshake;
use crate::proxy::records::control::{CLOSE_NOTIFY, KEY_UPDATE, NEW_SESSION_TICKET, USER_CANCELED};
use crate::proxy::records::keys::{ALERT, DATA, HANDSHAKE};
use crate::proxy::tests::pki::{Authority, uri};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use tokio::sync::watch;

fn leg(stream: TcpStream) -> Leg {
    stream.set_nonblocking(true).unwrap();
    let mut leg = Leg::default();
    leg.set(stream);
    leg
}

/// Both ends of an established connection, as records.
fn ends() -> (Records, Records) {
    let authority = Authority::new();
    let (_client, client_feed) = watch::channel(Some(Arc::new(authority.identity("client"))));
    let (_server, server_feed) = watch::channel(Some(Arc::new(authority.identity("server"))));
    let SpiffeId { service, datacenter, .. } = SpiffeId::parse(&uri("server")).unwrap();
    let outgoing = ClientConfigs::new(client_feed, service, datacenter).current().unwrap();
    let mut client = Handshake::client(outgoing.config, outgoing.name).unwrap();
    let mut server = Handshake::server(ServerConfigs::new(server_feed).current().unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = leg(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
    let mut far = leg(listener.accept().unwrap().0);
    let mut done = (false, false);
    while done != (true, true) {
        near.pretend_ready();
        far.pretend_ready();
        done = (client.advance(&mut near).unwrap(), server.advance(&mut far).unwrap());
    }
    let records = |handshake: Box<Handshake>| Records::new(handshake.finish().0, None, u64::MAX).unwrap();
    (records(client), records(server))
}

/// One message from one end to the other.
fn send(
    from: &mut Records,
    to: &mut Records,
    message: &[u8],
    kind: u8,
) -> Result<(bool, Vec<u8>), RecordError> {
    let mut buffer = Buffer::new(100_000);
    let start = from.change_keys_if_due(&mut buffer)?;
    let end = from.seal_message(&mut buffer.bytes, start, message, kind)?;
    deliver(to, &buffer.bytes[..end])
}

fn deliver(to: &mut Records, wire: &[u8]) -> Result<(bool, Vec<u8>), RecordError> {
    let mut buffer = Buffer::new(100_000);
    let at = buffer.unopened.start;
    buffer.unopened = at..at + wire.len();
    buffer.bytes[buffer.unopened.clone()].copy_from_slice(wire);
    let closed = to.open(&mut buffer)?;
    let mut text = Buffer::new(100_000);
    text.adopt(&buffer);
    Ok((closed, text.bytes[..buffer.ready()].to_vec()))
}

#[test]
fn data_and_the_closing_alert_go_both_ways() {
    let (mut client, mut server) = ends();
    assert_eq!(send(&mut client, &mut server, b"question", DATA).unwrap(), (false, b"question".to_vec()));
    assert_eq!(send(&mut server, &mut client, b"answer", DATA).unwrap(), (false, b"answer".to_vec()));
    assert_eq!(send(&mut client, &mut server, &[1, CLOSE_NOTIFY], ALERT).unwrap(), (true, vec![]));
    assert_eq!(send(&mut server, &mut client, b"last words", DATA).unwrap().1, b"last words");
}

#[test]
fn a_worn_key_is_changed_before_it_reaches_its_limit() {
    let (mut client, mut server) = ends();
    client.limit = 50;
    let mut highest = 0;
    for round in 0..200_u8 {
        assert_eq!(send(&mut client, &mut server, &[round; 9], DATA).unwrap().1, [round; 9]);
        highest = highest.max(client.send.own().unwrap().used());
    }
    assert!(highest < 50, "{highest} records under one key");
    assert_eq!(send(&mut server, &mut client, b"back", DATA).unwrap().1, b"back");
}

#[test]
fn a_peer_that_asks_gets_new_keys_before_more_data() {
    let (mut client, mut server) = ends();
    send(&mut client, &mut server, &[KEY_UPDATE, 0, 0, 1, 1], HANDSHAKE).unwrap();
    client.send = Sealing::Own(client.next_send().unwrap());
    assert_eq!(send(&mut client, &mut server, b"under new keys", DATA).unwrap().1, b"under new keys");
    assert!(server.asked_to_change);
    assert_eq!(send(&mut server, &mut client, b"answer", DATA).unwrap().1, b"answer");
    assert_eq!(
        server.send.own().unwrap().used(),
        1,
        "the answer is the first record under the server's new key"
    );
}

#[test]
fn changing_keys_without_end_is_refused() {
    let (mut client, mut server) = ends();
    let mut change = || {
        let sent = send(&mut client, &mut server, &[KEY_UPDATE, 0, 0, 1, 0], HANDSHAKE);
        client.send = Sealing::Own(client.next_send().unwrap());
        sent
    };
    (0..CHANGES).for_each(|_| assert!(change().is_ok()));
    assert!(matches!(change(), Err(RecordError::Restless)));
}

#[test]
fn what_must_not_come_after_the_handshake_ends_the_connection() {
    let messages: [(&[u8], u8); 9] = [
        (&[KEY_UPDATE, 0, 0], HANDSHAKE),
        (&[KEY_UPDATE, 0, 0, 1], HANDSHAKE),
        (&[KEY_UPDATE, 0, 0, 1, 2], HANDSHAKE),
        (&[KEY_UPDATE, 0, 0, 1, 0, KEY_UPDATE, 0, 0, 1, 0], HANDSHAKE),
        (&[NEW_SESSION_TICKET, 0, 0, 0], HANDSHAKE), // To a server.
        (&[1, 0, 0, 0], HANDSHAKE),
        (&[], HANDSHAKE),
        (&[2, 20], ALERT),
        (&[1], ALERT),
    ];
    for (message, kind) in messages {
        let (mut client, mut server) = ends();
        assert!(send(&mut client, &mut server, message, kind).is_err(), "{kind} {message:?}");
    }
    let (mut client, mut server) = ends();
    assert!(send(&mut client, &mut server, b"?", 99).is_err(), "an unknown type");
    let (_, mut server) = ends();
    assert!(deliver(&mut server, &[20, 3, 3, 0, 1, 1]).is_err(), "change_cipher_spec");
    assert!(deliver(&mut server, &[21, 3, 3, 0, 2, 1, 0]).is_err(), "an alert in the clear");
}

#[test]
fn a_client_passes_over_tickets_and_cancelled_users() {
    let (mut client, mut server) = ends();
    let tickets = [NEW_SESSION_TICKET, 0, 0, 2, 7, 7, NEW_SESSION_TICKET, 0, 0, 1, 7];
    assert_eq!(send(&mut server, &mut client, &tickets, HANDSHAKE).unwrap(), (false, vec![]));
    assert_eq!(send(&mut server, &mut client, &[1, USER_CANCELED], ALERT).unwrap(), (false, vec![]));
    assert_eq!(send(&mut server, &mut client, b"text", DATA).unwrap().1, b"text");
}
