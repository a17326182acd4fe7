use super::*;
use crate::pki::CertChain;
use futures_util::future::join_all;
use std::process::Command;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

#[tokio::test]
async fn a_leaf_says_what_policy_says() {
    let world = World::new().await;
    let (signed, key) = world.issue("web").await;
    let leaf = signed.chain.leaf();
    assert_eq!(leaf.identity.to_string(), world.uri("web"));
    assert_eq!((leaf.not_before, leaf.not_after), (START - 60, START + 72 * HOUR));
    assert_eq!(leaf.public_key.spki(), rcgen::PublicKeyData::subject_public_key_info(&key));
    assert_eq!(leaf.authority_key_id, world.roots()[0].signing_key_id);
    assert_eq!(signed.root_id, world.roots()[0].id);
    // Directly under the root: nothing else is in the chain.
    assert_eq!(signed.chain.certificates().len(), 1);
    assert_eq!(world.trust().verify(&signed.chain, START).unwrap(), signed.root_id);
}

/// Everything in the request but its key and its one name is left behind.
#[tokio::test]
async fn nothing_else_of_the_request_is_copied() {
    let world = World::new().await;
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "admin");
    params.subject_alt_names = vec![rcgen::SanType::URI(world.uri("web").as_str().try_into().unwrap())];
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::CodeSigning];
    params.custom_extensions =
        vec![rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], b"\x04\x01x".to_vec())];
    let csr = params.serialize_request(&key).unwrap().pem().unwrap();

    let signed = world.sign(&csr, "web").await.unwrap();
    let der = &signed.chain.certificates()[0];
    let (_, certificate) = X509Certificate::from_der(der).unwrap();
    assert_eq!(certificate.subject().iter().count(), 0);
    assert_eq!(certificate.extensions().len(), 6);
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::KeyUsage(usage) => {
                assert!(extension.critical);
                assert_eq!(usage.flags, 1, "digitalSignature alone");
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                assert!(usage.server_auth && usage.client_auth && !usage.any && !usage.code_signing);
                assert!(usage.other.is_empty());
            }
            ParsedExtension::BasicConstraints(b) => assert!(extension.critical && !b.ca),
            ParsedExtension::SubjectAlternativeName(san) => assert_eq!(san.general_names.len(), 1),
            ParsedExtension::AuthorityKeyIdentifier(_) | ParsedExtension::SubjectKeyIdentifier(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn serial_numbers_do_not_repeat() {
    let world = World::new().await;
    world.configure(json!({"CSRMaxPerSecond": 0})).await.unwrap();
    let mut serials = std::collections::HashSet::new();
    for _ in 0..50 {
        assert!(serials.insert(world.issue("web").await.0.chain.leaf().serial_number.clone()));
    }
}

#[tokio::test]
async fn an_identity_that_is_not_the_callers_is_refused_by_name() {
    let world = World::new().await;
    let domain = world.manager.trust_domain().unwrap();
    let foreign = "spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/web";
    let other_datacenter = format!("spiffe://{domain}/ns/default/dc/dc2/svc/web");
    let refuse = async |uri: &str| world.sign(&request(uri).0, "web").await.unwrap_err();
    assert!(matches!(refuse(foreign).await, CaError::TrustDomain { .. }));
    assert!(matches!(refuse(&other_datacenter).await, CaError::Datacenter { .. }));
    for other in ["db", "Web", "web.", "web-proxy"] {
        let error = refuse(&world.uri(other)).await;
        assert!(matches!(error, CaError::Service { .. }), "{other}");
        assert!(error.to_string().contains(&world.uri(other)) && error.to_string().contains("web"));
    }
}

#[tokio::test]
async fn a_bad_request_is_refused_and_the_next_good_one_is_signed() {
    let world = World::new().await;
    let huge = "A".repeat(1 << 20);
    for bad in [
        "",
        "nonsense",
        &huge,
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
    ] {
        assert!(matches!(world.sign(bad, "web").await, Err(CaError::Request(_))));
    }
    let huge = world.sign(&huge, "web").await;
    assert!(matches!(huge, Err(CaError::Request(PkiError::TooLarge { .. }))));
    world.issue("web").await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_slowed_to_the_configured_rate() {
    let world = World::new().await;
    world.configure(json!({"CSRMaxPerSecond": 10})).await.unwrap();
    let (csr, _) = request(&world.uri("web"));
    let start = tokio::time::Instant::now();
    let done = join_all((0..31).map(|_| world.sign(&csr, "web"))).await;
    assert!(done.iter().all(Result::is_ok));
    assert!(start.elapsed() >= Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn nothing_is_signed_before_there_is_a_root_or_after_it_expired() {
    let world = World::empty();
    let (csr, _) = request("spiffe://a.consul/ns/default/dc/dc1/svc/web");
    assert!(matches!(world.sign(&csr, "web").await, Err(CaError::NotInitialised)));

    let world = World::new().await;
    let (csr, _) = request(&world.uri("web"));
    world.advance(10 * 365 * 24 * HOUR - HOUR);
    let last = world.sign(&csr, "web").await.unwrap();
    assert_eq!(last.chain.leaf().not_after, world.roots()[0].not_after);
    world.advance(HOUR);
    assert!(matches!(world.sign(&csr, "web").await, Err(CaError::RootExpired { .. })));
}

#[tokio::test]
async fn many_leaders_at_once_make_one_root() {
    let world = World::empty();
    let none = Opaque::new();
    let made = join_all((0..20).map(|_| world.manager.initialise("consul", &none))).await;
    assert!(made.iter().all(Result::is_ok));
    assert_eq!(world.roots().len(), 1);
    let before = world.server.view().index;
    world.manager.initialise("consul", &none).await.unwrap();
    assert_eq!(world.server.view().index, before);
}

/// OpenSSL's opinion of what was signed.
#[tokio::test]
async fn openssl_verifies_a_leaf_in_both_roles() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("SKIPPED: openssl is not installed");
        return;
    }
    // OpenSSL has its own clock: sign by the same one.
    let world = World::empty();
    world.clock.set(Clock::System.now());
    world.manager.initialise("consul", &Opaque::new()).await.unwrap();
    let (old, _) = world.issue("web").await;
    world.manager.rotate().await.unwrap();
    let (new, _) = world.issue("web").await;
    let roots = world.roots();
    for (chain, root) in [(&old, &roots[1]), (&new, &roots[0]), (&new, &roots[1])] {
        assert_openssl_verifies(&chain.chain, &root.root_cert_pem);
    }
}

fn assert_openssl_verifies(chain: &CertChain, root_pem: &str) {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, pem: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let (root, chain) = (write("root.pem", root_pem), write("chain.pem", &chain.to_pem()));
    for purpose in ["sslserver", "sslclient"] {
        let mut openssl = Command::new("openssl");
        openssl.args(["verify", "-x509_strict", "-purpose", purpose, "-CAfile"]).arg(&root);
        let run = openssl.arg("-untrusted").arg(&chain).arg(&chain).output().unwrap();
        assert!(run.status.success(), "{purpose}: {}", String::from_utf8_lossy(&run.stderr));
    }
}
