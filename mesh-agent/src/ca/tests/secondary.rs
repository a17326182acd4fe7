//! The CA of a datacenter that follows the primary's.

use super::*;
use crate::ca::{IntermediateSigner, PrimaryCa};

/// The primary, next door.
struct Signs(Arc<CaManager>);

impl IntermediateSigner for Signs {
    fn sign<'a>(&'a self, csr_pem: &'a str) -> BoxFuture<'a, Result<String, CaError>> {
        Box::pin(async move { self.0.sign_intermediate(csr_pem, &Datacenter::new("dc2").unwrap()).await })
    }
}

/// What signs nothing.
struct Silent;

impl IntermediateSigner for Silent {
    fn sign<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<String, CaError>> {
        Box::pin(async { Err(CaError::Elsewhere { refused: false, reason: "nobody is there".to_owned() }) })
    }
}

fn second() -> World {
    let World { server, clock, .. } = World::empty();
    let datacenter = Datacenter::new("dc2").unwrap();
    let manager = Arc::new(CaManager::new(server.clone(), datacenter, clock.clone()));
    World { server, clock, manager }
}

async fn follow(primary: &World, second: &World) -> Result<(), CaError> {
    let CaView { config, roots, .. } = primary.server.view();
    let primary_ca = PrimaryCa { config: config.unwrap().as_ref().clone(), roots: roots.to_vec() };
    second.manager.follow(primary_ca, &Signs(primary.manager.clone())).await
}

async fn leaf(second: &World) -> SignedLeaf {
    let uri = format!("spiffe://{}/ns/default/dc/dc2/svc/db", second.manager.trust_domain().unwrap());
    second.sign(&request(&uri).0, "db").await.unwrap()
}

#[tokio::test]
async fn leaves_of_the_second_datacenter_are_good_under_the_primarys_root() {
    let (primary, second) = (World::new().await, second());
    assert!(matches!(second.manager.trust_domain(), Err(CaError::NotInitialised)));
    follow(&primary, &second).await.unwrap();
    assert_eq!(second.manager.trust_domain().unwrap(), primary.manager.trust_domain().unwrap());
    assert_eq!(second.roots()[0].id, primary.roots()[0].id);
    let signed = leaf(&second).await;
    assert_eq!((signed.chain.certificates().len(), &signed.root_id), (2, &primary.roots()[0].id));
    assert_eq!(primary.trust().verify(&signed.chain, second.now()).unwrap(), primary.roots()[0].id);
    // Its authority is for its own datacenter's names alone.
    let here = primary.uri("db");
    let refused = second.sign(&request(&here).0, "db").await.unwrap_err();
    assert!(matches!(refused, CaError::Datacenter { .. }), "{refused}");
}

#[tokio::test]
async fn nothing_is_written_while_nothing_differs_and_an_authority_is_renewed_in_time() {
    const DAY: u64 = 24 * HOUR;
    let (primary, second) = (World::new().await, second());
    follow(&primary, &second).await.unwrap();
    let key = || second.server.provider().unwrap().intermediate_pem.clone();
    let (index, before) = (second.server.view().index, key());
    follow(&primary, &second).await.unwrap();
    assert_eq!((second.server.view().index, key()), (index, before.clone()));
    for days in [200, 50] {
        for world in [&primary, &second] {
            world.advance(days * DAY);
        }
        follow(&primary, &second).await.unwrap();
    }
    assert_ne!(key(), before);
    let signed = leaf(&second).await;
    primary.trust().verify(&signed.chain, second.now()).unwrap();
}

#[tokio::test]
async fn a_rotation_of_the_primary_is_followed_and_old_leaves_stay_good() {
    let (primary, second) = (World::new().await, second());
    follow(&primary, &second).await.unwrap();
    let before = leaf(&second).await;
    primary.manager.rotate().await.unwrap();
    follow(&primary, &second).await.unwrap();
    let after = leaf(&second).await;
    assert_ne!(before.root_id, after.root_id);
    for chain in [&before.chain, &after.chain] {
        second.trust().verify(chain, second.now()).unwrap();
    }
    // Who knows the old root alone believes the new leaf, as at home.
    trust(&primary.roots()[1..]).verify(&after.chain, second.now()).unwrap();
}

#[tokio::test]
async fn what_the_primary_does_not_sign_changes_nothing_and_the_second_has_no_will_of_its_own() {
    let (primary, second) = (World::new().await, second());
    let CaView { config, roots, .. } = primary.server.view();
    let config = config.unwrap().as_ref().clone();
    let primary_ca = PrimaryCa { config, roots: roots.to_vec() };
    second.manager.follow(primary_ca, &Silent).await.unwrap_err();
    assert!(second.roots().is_empty());
    follow(&primary, &second).await.unwrap();
    for refused in [second.manager.rotate().await, second.configure(json!({"LeafCertTTL": "1h"})).await] {
        assert!(matches!(refused, Err(CaError::Secondary)), "{refused:?}");
    }
    let chained = second.manager.sign_intermediate("", &Datacenter::new("dc3").unwrap()).await;
    assert!(chained.is_err());
}

#[tokio::test]
async fn only_the_request_of_an_authority_of_this_trust_domain_is_signed() {
    let primary = World::new().await;
    let own = format!("spiffe://{}", primary.manager.trust_domain().unwrap());
    let request = |uris: &[&str], is_ca: bool| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.subject_alt_names =
            uris.iter().map(|uri| rcgen::SanType::URI((*uri).try_into().unwrap())).collect();
        if is_ca {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        params.serialize_request(&key).unwrap().pem().unwrap()
    };
    let other = "spiffe://99999999-2222-3333-4444-555555555555.consul";
    let service = format!("{own}/ns/default/dc/dc2/svc/db");
    let dc2 = Datacenter::new("dc2").unwrap();
    let wrong = [
        ("not an authority", request(&[&own], false)),
        ("another trust domain", request(&[other], true)),
        ("a service", request(&[&service], true)),
        ("two names", request(&[&own, other], true)),
        ("no name", request(&[], true)),
        ("no request", "garbage".to_owned()),
    ];
    for (what, csr) in wrong {
        assert!(primary.manager.sign_intermediate(&csr, &dc2).await.is_err(), "{what}");
    }
    primary.manager.sign_intermediate(&request(&[&own], true), &dc2).await.unwrap();
}
