use super::*;
use futures_util::future::join_all;

#[tokio::test(start_paused = true)]
async fn a_certificate_comes_with_a_key_that_go_reads() {
    let world = World::new();
    let cert = world.fetch("web").await.unwrap();
    assert_eq!(cert.service_uri, format!("spiffe://{}/ns/default/dc/dc1/svc/web", authority::DOMAIN));
    assert!(cert.private_key_pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert_eq!((cert.valid_after, cert.valid_before), (START - 60, START + LIFE));
    assert_eq!(cert.root_id, world.authority.active_root());
    assert!(!format!("{cert:?}").contains("PRIVATE"));
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_share_one_request() {
    let world = World::new();
    let got = join_all((0..100).map(|_| world.fetch("web"))).await;
    let serials: std::collections::HashSet<_> =
        got.into_iter().map(|c| c.unwrap().serial_number.clone()).collect();
    assert_eq!((serials.len(), world.authority.asked()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn for_a_month_the_certificate_is_fresh_and_never_expired() {
    let world = World::new();
    let follow = world.manager.get(&name("web")).await.unwrap();
    world.fetch("web").await.unwrap();
    let (mut seen, mut replaced_at) = (follow.borrow().clone().unwrap(), Vec::new());
    world
        .run_for(30 * 24 * HOUR, |now| {
            let cert = follow.borrow().clone().expect("there is always one");
            assert!(cert.valid_after <= now && now < cert.valid_before);
            if cert.serial_number != seen.serial_number {
                assert!(cert.index.modify > seen.index.modify);
                let life = seen.valid_before - seen.valid_after;
                replaced_at.push((now - seen.valid_after) as f64 / life as f64);
                seen = cert;
            }
        })
        .await;
    assert!(replaced_at.iter().all(|share| (0.5..0.71).contains(share)), "{replaced_at:?}");
    assert!((14..=20).contains(&replaced_at.len()), "{replaced_at:?}");
    assert_eq!(world.authority.asked(), replaced_at.len() + 1);
}

#[tokio::test(start_paused = true)]
async fn agents_that_start_together_do_not_renew_together() {
    let mut times = Vec::new();
    for seed in 0..20 {
        let world = World::with(Setup { seed, ..Setup::default() });
        let follow = world.manager.get(&name("web")).await.unwrap();
        let first = world.fetch("web").await.unwrap();
        let mut at = 0;
        world
            .run_for(52 * HOUR, |now| {
                if at == 0 && follow.borrow().as_ref().unwrap().serial_number != first.serial_number {
                    at = now - START;
                }
            })
            .await;
        assert!((36 * HOUR - 60..=51 * HOUR).contains(&at), "{at}");
        times.push(at);
    }
    times.sort_unstable();
    times.dedup_by_key(|t| *t / 600);
    assert!(times.len() > 10, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_blocking_fetch_returns_with_the_next_certificate_or_after_its_wait() {
    let world = World::new();
    let first = world.fetch("web").await.unwrap();
    let start = tokio::time::Instant::now();
    let same = world.manager.fetch(&name("web"), first.index.modify, Duration::from_secs(5)).await.unwrap();
    assert_eq!((same.index, start.elapsed()), (first.index, Duration::from_secs(5)));

    world.authority.rotate();
    world.tell_roots().await;
    let clock = async { world.run_for(120, |_| ()).await };
    let service = name("web");
    let next = world.manager.fetch(&service, first.index.modify, Duration::from_secs(600));
    let (next, ()) = tokio::join!(next, clock);
    assert!(next.unwrap().index.modify > first.index.modify);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_brings_certificates_under_the_new_root_within_a_minute() {
    let world = World::new();
    let services: Vec<String> = (0..20).map(|i| format!("s{i}")).collect();
    join_all(services.iter().map(|s| world.fetch(s))).await;
    world.authority.rotate();
    world.tell_roots().await;
    world.run_for(61, |_| ()).await;
    for service in &services {
        assert_eq!(world.fetch(service).await.unwrap().root_id, world.authority.active_root());
    }
    assert_eq!(world.authority.asked(), 40);
    // Roots that change in nothing that matters bring no requests.
    world.authority.prune();
    world.tell_roots().await;
    world.run_for(120, |_| ()).await;
    assert_eq!(world.authority.asked(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_whose_root_is_trusted_no_more_is_replaced_at_once() {
    let world = World::new();
    world.fetch("web").await.unwrap();
    world.authority.rotate();
    world.authority.prune();
    world.tell_roots().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.fetch("web").await.unwrap().root_id, world.authority.active_root());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_until_roots_are_known() {
    let world = World::with(Setup { roots_known: false, ..Setup::default() });
    let none = world.fetch("web").await;
    assert!(matches!(none, Err(LeafError::NoRoots { .. })), "{none:?}");
    assert_eq!(world.authority.asked(), 0);
    let (got, ()) = tokio::join!(world.fetch("web"), world.tell_roots());
    got.unwrap();
}

#[tokio::test(start_paused = true)]
async fn unused_certificates_are_let_go_and_used_ones_are_not() {
    let world = World::new();
    let _follow = world.manager.get(&name("followed")).await.unwrap();
    for service in ["followed", "fetched", "unused"] {
        world.fetch(service).await.unwrap();
    }
    for _ in 0..4 {
        world.run_for(24 * HOUR, |_| ()).await;
        world.fetch("fetched").await.unwrap();
    }
    let asked = world.authority.asked();
    for service in ["followed", "fetched"] {
        world.fetch(service).await.unwrap();
    }
    assert_eq!(world.authority.asked(), asked);
    world.fetch("unused").await.unwrap();
    assert_eq!(world.authority.asked(), asked + 1);
}

#[tokio::test(start_paused = true)]
async fn services_are_bounded_and_those_without_a_certificate_make_room() {
    let world = World::with(Setup { max_services: 3, ..Setup::default() });
    world.behave(Behaviour::Refuse);
    for service in ["a", "b", "c"] {
        assert!(world.fetch(service).await.is_err());
    }
    assert_eq!(world.fetch("d").await, Err(LeafError::TooMany { limit: 3 }));
    world.behave(Behaviour::Sign);
    // Nobody waits for them: their retries would have succeeded, so they are kept like any other.
    world.run_for(4 * 24 * HOUR, |_| ()).await;
    world.fetch("d").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_shutdown_everybody_is_told() {
    let world = World::new();
    let (manager, shutdown) = (world.manager.clone(), world.shutdown.clone());
    world.behave(Behaviour::Hang);
    let waiting = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shutdown.begin();
    };
    let (told, ()) = tokio::join!(world.fetch("web"), waiting);
    assert_eq!(told, Err(LeafError::Stopped));
    assert_eq!(manager.get(&name("db")).await.unwrap_err(), LeafError::Stopped);
}
