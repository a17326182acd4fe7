use super::*;
use crate::ca::rotation::{is_spent, nears_its_end};
use crate::pki::CertChain;

#[tokio::test]
async fn peers_that_know_only_one_root_still_believe_each_other() {
    let world = World::new().await;
    let old_trust = world.trust();
    let (old_leaf, _) = world.issue("web").await;
    world.manager.rotate().await.unwrap();
    let (new_leaf, _) = world.issue("db").await;

    // A proxy that has not seen the new root yet verifies the new leaf through the cross-signed root.
    assert_eq!(old_trust.verify(&new_leaf.chain, world.now()).unwrap(), old_leaf.root_id);
    assert_eq!(world.trust().verify(&old_leaf.chain, world.now()).unwrap(), old_leaf.root_id);
    assert_eq!(world.trust().verify(&new_leaf.chain, world.now()).unwrap(), new_leaf.root_id);
    // Who trusts the new root alone needs nothing of the old one.
    assert!(trust(&world.roots()[..1]).verify(&new_leaf.chain, world.now()).is_ok());
    assert!(trust(&world.roots()[..1]).verify(&old_leaf.chain, world.now()).is_err());
}

#[tokio::test]
async fn the_old_root_goes_only_after_its_last_leaf() {
    let world = World::new().await;
    world.advance(100 * HOUR);
    let (last, _) = world.issue("web").await;
    world.manager.rotate().await.unwrap();

    world.advance(2 * 72 * HOUR);
    world.manager.prune().await.unwrap();
    assert_eq!(world.roots().len(), 2);
    assert!(last.chain.leaf().not_after < world.now());

    world.advance(1);
    world.manager.prune().await.unwrap();
    let roots = world.roots();
    assert_eq!(roots.len(), 1);
    assert!(roots[0].active && roots[0].intermediate_pems.is_empty());
    assert_eq!(world.issue("web").await.0.chain.certificates().len(), 1);
}

#[tokio::test]
async fn a_shorter_life_does_not_prune_what_was_signed_for_a_longer_one() {
    let world = World::new().await;
    let (long, _) = world.issue("web").await;
    world.configure(json!({"LeafCertTTL": "1h"})).await.unwrap();
    world.manager.rotate().await.unwrap();
    while world.now() <= long.chain.leaf().not_after {
        world.manager.prune().await.unwrap();
        assert!(world.trust().verify(&long.chain, world.now()).is_ok());
        world.advance(HOUR);
    }
    world.advance(80 * HOUR);
    world.manager.prune().await.unwrap();
    assert_eq!(world.roots().len(), 1);
}

#[tokio::test]
async fn a_second_rotation_keeps_the_way_from_the_first_root() {
    let world = World::new().await;
    let first_trust = world.trust();
    world.manager.rotate().await.unwrap();
    world.advance(HOUR);
    world.manager.rotate().await.unwrap();
    let (leaf, _) = world.issue("web").await;
    assert_eq!(leaf.chain.certificates().len(), 3);
    assert!(first_trust.verify(&leaf.chain, world.now()).is_ok());

    // The first root goes, the second stays, and with it its cross-signed certificate.
    world.advance(2 * 72 * HOUR - 1);
    world.manager.prune().await.unwrap();
    assert_eq!(world.roots().len(), 2);
    assert_eq!(world.roots()[0].intermediate_pems.len(), 1);
}

#[tokio::test]
async fn rotations_are_bounded() {
    let world = World::new().await;
    let mut done = 0;
    let error = loop {
        match world.manager.rotate().await {
            Ok(()) => done += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CaError::TooManyRoots { found: 16 }));
    assert_eq!(done, 15);
    let (leaf, _) = world.issue("web").await;
    assert!(CertChain::from_pem(&leaf.chain.to_pem()).is_ok());
    assert_eq!(leaf.chain.certificates().len(), 4);
}

#[tokio::test]
async fn exactly_one_root_is_active_and_indexes_tell_what_changed() {
    let world = World::new().await;
    let before = world.roots();
    world.manager.rotate().await.unwrap();
    let after = world.roots();
    assert_eq!(after.iter().filter(|r| r.active).count(), 1);
    assert_eq!((after[1].id.as_str(), after[1].rotated_out_at), (before[0].id.as_str(), Some(START)));
    assert!(after[1].index.modify > before[0].index.modify);
    assert_eq!(world.server.provider().unwrap().root_id, after[0].id);
}

#[tokio::test]
async fn concurrent_rotations_and_settings_do_not_lose_each_other() {
    let world = World::new().await;
    let (a, b) = tokio::join!(world.manager.rotate(), world.configure(json!({"LeafCertTTL": "2h"})));
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(world.roots().len(), 2);
    let (leaf, _) = world.issue("web").await;
    assert_eq!(leaf.chain.leaf().not_after, START + 2 * HOUR);
}

#[tokio::test(start_paused = true)]
async fn the_pruner_prunes_and_renews_until_told_to_stop() {
    let world = World::new().await;
    world.manager.rotate().await.unwrap();
    world.advance(9 * 365 * 24 * HOUR + 1);
    let shutdown = crate::task::Shutdown::new();
    let mut tasks = crate::task::TaskGroup::new();
    let pruner = RootPruner::new(world.manager.clone(), Duration::from_secs(3600), || true);
    tasks.spawn("root pruner", pruner.run(shutdown.clone()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The first root was pruned, the second replaced before its end and still trusted.
    let roots = world.roots();
    assert_eq!(roots.len(), 2);
    assert!(roots[0].active && roots[0].not_before > START + 9 * 365 * 24 * HOUR - HOUR);
    assert_eq!(roots[1].rotated_out_at, Some(world.now()));
    shutdown.begin();
    tasks.finish().await;
}

#[tokio::test]
async fn what_is_pruned_and_when() {
    let world = World::new().await;
    let active = world.roots()[0].clone();
    let out = |rotated_out_at, leaves_expire_at| CaRoot {
        active: false,
        rotated_out_at,
        leaves_expire_at,
        ..active.clone()
    };
    let ttl = Duration::from_secs(100);
    for (root, now, spent) in [
        (active.clone(), u64::MAX, false),
        (out(None, 0), u64::MAX, false),
        (out(Some(1000), 0), 1200, false),
        (out(Some(1000), 0), 1201, true),
        (out(Some(1000), 0), 999, false),
        (out(Some(1000), 1500), 1500, false),
        (out(Some(1000), 1500), 1501, true),
        (out(Some(u64::MAX), 0), u64::MAX, false),
    ] {
        assert_eq!(is_spent(&root, now, ttl), spent, "{:?} at {now}", root.rotated_out_at);
    }
    assert!(prune(&[active.clone(), out(Some(1000), 0)], 1200, ttl).is_none());
    assert_eq!(prune(&[active.clone(), out(Some(1000), 0)], 1201, ttl).unwrap().len(), 1);
}

#[tokio::test]
async fn a_root_nears_its_end_in_its_last_tenth_or_in_four_lives_of_a_leaf() {
    let root = CaRoot { not_before: 0, not_after: 1000, ..World::new().await.roots()[0].clone() };
    for (now, ttl, nears) in [
        (0, 10, false),
        (900, 10, false),
        (901, 10, true),
        (600, 100, false),
        (601, 100, true),
        (2000, 1, true),
    ] {
        assert_eq!(nears_its_end(&root, now, Duration::from_secs(ttl)), nears, "{now} {ttl}");
    }
}
