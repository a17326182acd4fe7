use super::*;
use crate::clock::{Clock, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConnection, ConnectionCommon, ServerConnection, SideData};
use std::ops::{Deref, DerefMut};
use uuid::Uuid;

fn secret(byte: u8) -> JoinSecret {
    JoinSecret::parse(&base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [byte; 32]))
        .unwrap()
}

fn tls(secret: &JoinSecret, role: NodeRole, datacenter: &str) -> ClusterTls {
    ClusterTls::of_secret(secret, role, datacenter, Uuid::from_u128(7), Clock::System).unwrap()
}

#[test]
fn a_secret_is_16_24_or_32_bytes_in_base64_and_errors_do_not_repeat_it() {
    for good in ["MDEyMzQ1Njc4OWFiY2RlZg==", " MDEyMzQ1Njc4OWFiY2RlZg==\n"] {
        assert_eq!(JoinSecret::parse(good).unwrap().expose(), good.trim());
    }
    for (bad, why) in [("c2hvcnQ=", "5 bytes"), ("", "0 bytes"), ("hunter2!", "not base64")] {
        let error = JoinSecret::parse(bad).unwrap_err().to_string();
        assert!(error.contains(why) && (bad.is_empty() || !error.contains(bad)), "{error}");
    }
    assert_ne!(JoinSecret::generate().unwrap(), JoinSecret::generate().unwrap());
    assert_eq!(format!("{:?}", secret(1)), "JoinSecret(hidden)");
}

#[test]
fn keys_of_different_secrets_and_purposes_differ_and_stay_the_same() {
    assert_eq!(secret(1).gossip_key(), secret(1).gossip_key());
    assert_ne!(secret(1).gossip_key(), secret(2).gossip_key());
    assert_ne!(secret(1).gossip_key(), secret(1).authority_seed());
}

/// Carries the bytes of a handshake to and fro until both are done, or one refuses.
fn shake(
    client: &ClusterTls,
    server: &ClusterTls,
) -> Result<(CertificateDer<'static>, CertificateDer<'static>), rustls::Error> {
    let mut c = ClientConnection::new(client.client.clone(), client.server_name.clone()).unwrap();
    let mut s = ServerConnection::new(server.server.clone()).unwrap();
    for _ in 0..6 {
        carry(&mut c, &mut s)?;
        carry(&mut s, &mut c)?;
    }
    assert!(!c.is_handshaking() && !s.is_handshaking());
    let first = |certs: Option<&[CertificateDer<'static>]>| certs.unwrap()[0].clone();
    Ok((first(s.peer_certificates()), first(c.peer_certificates())))
}

fn carry<A, B, X: SideData, Y: SideData>(from: &mut A, to: &mut B) -> Result<(), rustls::Error>
where
    A: DerefMut + Deref<Target = ConnectionCommon<X>>,
    B: DerefMut + Deref<Target = ConnectionCommon<Y>>,
{
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut bytes = bytes.as_slice();
    while !bytes.is_empty() {
        to.read_tls(&mut bytes).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn nodes_that_know_the_same_secret_trust_each_other_and_know_who_they_are() {
    for role in [NodeRole::Server, NodeRole::Client] {
        let (client, server) = (tls(&secret(1), role, "dc1"), tls(&secret(1), NodeRole::Server, "dc1"));
        let (seen_by_server, seen_by_client) = shake(&client, &server).unwrap();
        let identity = server.identify(&seen_by_server).unwrap();
        assert_eq!(
            identity,
            NodeIdentity { role, datacenter: "dc1".to_owned(), id: Some(Uuid::from_u128(7)) }
        );
        assert_eq!(client.identify(&seen_by_client).unwrap().role, NodeRole::Server);
    }
}

#[test]
fn another_secret_another_datacenter_and_a_client_as_a_server_are_refused() {
    let server = tls(&secret(1), NodeRole::Server, "dc1");
    let strangers = [
        ("another secret", tls(&secret(2), NodeRole::Server, "dc1")),
        ("another datacenter", tls(&secret(1), NodeRole::Server, "dc2")),
    ];
    for (what, stranger) in strangers {
        assert!(shake(&stranger, &server).is_err(), "{what} as a client");
        assert!(shake(&server, &stranger).is_err(), "{what} as a server");
    }
    let agent = tls(&secret(1), NodeRole::Client, "dc1");
    assert!(shake(&server, &agent).is_err(), "a client's certificate does not make a server");
}

#[test]
fn who_calls_another_datacenter_is_known_there_as_a_stranger_of_its_own() {
    let (one, two) = (tls(&secret(1), NodeRole::Server, "dc1"), tls(&secret(1), NodeRole::Server, "dc2"));
    let (seen, _) = shake(&one.towards("dc2").unwrap(), &two).unwrap();
    let identity = two.identify(&seen).unwrap();
    assert_eq!((identity.role, identity.datacenter.as_str()), (NodeRole::Server, "dc1"));
    // A server of dc1 is not taken for one of dc3 either.
    assert!(shake(&two.towards("dc3").unwrap(), &one).is_err());
}

#[test]
fn a_certificate_is_replaced_before_it_expires() {
    let now = Clock::System.now();
    let clock = Clock::manual(now);
    let own = ClusterTls::of_secret(&secret(1), NodeRole::Server, "dc1", Uuid::nil(), clock.clone()).unwrap();
    let peer = tls(&secret(1), NodeRole::Server, "dc1");
    let shown = || shake(&peer, &own).unwrap().1;
    let first = shown();
    assert_eq!(shown(), first);
    clock.set(Timestamp(now.millis() + 4 * 24 * 3600 * 1000));
    // From the future for the peer's clock, by more than clocks may differ: it must refuse it.
    assert!(shake(&peer, &own).is_err());
    clock.set(now);
    assert_ne!(shown(), first);
}

#[test]
fn certificates_of_the_operator_count_when_they_fit_together() {
    let authority = ClusterAuthority::derive(&secret(3)).unwrap();
    let issue = |role| {
        let issued = authority.issue(role, "dc1", Uuid::from_u128(9), Clock::System.now()).unwrap();
        let pem = |label: &str, der: &[u8]| {
            let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
            format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
        };
        OwnCertificates {
            authorities: pem("CERTIFICATE", &authority.certificate()),
            chain: pem("CERTIFICATE", &issued.certificate),
            private_key: pem("PRIVATE KEY", issued.key.secret_der()),
            domain: "mesh".to_owned(),
        }
    };
    let (a, b) = (issue(NodeRole::Server), issue(NodeRole::Client));
    let server = ClusterTls::of_certificates(&a, "dc1").unwrap();
    let client = ClusterTls::of_certificates(&b, "dc1").unwrap();
    let (seen, _) = shake(&client, &server).unwrap();
    assert_eq!(server.identify(&seen).unwrap().role, NodeRole::Client);
    assert!(shake(&server, &client).is_err(), "the name in its certificate is a client's");

    let mixed = OwnCertificates { private_key: b.private_key, ..a.clone() };
    assert!(ClusterTls::of_certificates(&mixed, "dc1").is_err());
    let empty = OwnCertificates { authorities: String::new(), ..a };
    let error = ClusterTls::of_certificates(&empty, "dc1").map(drop).unwrap_err().to_string();
    assert!(error.contains("ca_file"), "{error}");
}
