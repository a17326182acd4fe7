use super::*;
use crate::pki::PkiError;

/// How often the CA is asked in an hour in which it does this, from the moment renewal is due.
async fn asked_in_an_hour_of(behaviour: Behaviour) -> usize {
    let world = World::new();
    let follow = world.manager.get(&name("web")).await.unwrap();
    let first = world.fetch("web").await.unwrap();
    let serial = || follow.borrow().as_ref().unwrap().serial_number.clone();
    world.behave(behaviour);
    while world.authority.asked() == 1 {
        world.run_for(60, |_| ()).await;
    }
    world.run_for(HOUR, |_| assert_eq!(serial(), first.serial_number)).await;
    let asked = world.authority.asked() - 1;
    world.behave(Behaviour::Sign);
    world.run_for(120, |_| ()).await;
    assert_ne!(serial(), first.serial_number);
    asked
}

#[tokio::test(start_paused = true)]
async fn while_the_ca_misbehaves_the_valid_certificate_stays_and_retries_are_bounded() {
    for behaviour in [
        Behaviour::Down,
        Behaviour::Refuse,
        Behaviour::Hang,
        Behaviour::Answer(String::new()),
        Behaviour::Answer("garbage".into()),
        Behaviour::ForService("db"),
        Behaviour::ForAnotherKey,
        Behaviour::Life(-7200, -3600),
        Behaviour::Life(3600, 7200),
    ] {
        let shown = format!("{behaviour:?}");
        let asked = asked_in_an_hour_of(behaviour).await;
        // A pause is half a minute to a minute; a CA that hangs takes half a minute more.
        assert!((35..=125).contains(&asked), "{shown}: {asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_certificate_is_served_to_nobody() {
    let world = World::new();
    let follow = world.manager.get(&name("web")).await.unwrap();
    world.fetch("web").await.unwrap();
    world.behave(Behaviour::Down);
    let end = START + LIFE;
    world.run_for(LIFE + HOUR, |now| assert_eq!(follow.borrow().is_some(), now < end, "{now} {end}")).await;
    assert!(matches!(world.fetch("web").await, Err(LeafError::Signer { .. })));
    world.behave(Behaviour::Sign);
    world.run_for(61, |_| ()).await;
    assert!(follow.borrow().is_some());
}

#[tokio::test(start_paused = true)]
async fn the_first_certificate_fails_with_the_reason() {
    let fetch = async |behaviour: Behaviour| {
        let world = World::new();
        world.behave(behaviour);
        let start = tokio::time::Instant::now();
        (world.fetch("web").await.unwrap_err(), start.elapsed())
    };
    // A refusal is told at once, a trouble only after it did not pass.
    let (error, took) = fetch(Behaviour::Refuse).await;
    assert!(error.is_refusal() && took < Duration::from_secs(1), "{error} {took:?}");
    let (error, took) = fetch(Behaviour::Down).await;
    assert!(matches!(error, LeafError::Signer { .. }) && took == Duration::from_secs(10), "{error} {took:?}");
    let (error, _) = fetch(Behaviour::Hang).await;
    assert!(matches!(error, LeafError::NotYet { .. }), "{error}");
    let (error, _) = fetch(Behaviour::Answer("garbage".into())).await;
    assert!(matches!(error, LeafError::Answer { source: PkiError::Count { found: 0, .. }, .. }), "{error}");
    let (error, _) = fetch(Behaviour::ForAnotherKey).await;
    assert!(matches!(error, LeafError::OtherKey { .. }), "{error}");
    let (error, _) = fetch(Behaviour::ForService("db")).await;
    let text = error.to_string();
    assert!(text.contains("/svc/db") && text.contains("/svc/web"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_mesh_is_refused() {
    let world = World::new();
    let strange = Authority::new(world.clock.clone());
    world.roots.send_replace(strange.view());
    let error = world.fetch("web").await.unwrap_err();
    assert!(matches!(error, LeafError::Answer { source: PkiError::Untrusted { .. }, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_trouble_that_passes_is_not_seen_by_those_who_wait() {
    let world = World::new();
    world.behave(Behaviour::Down);
    let (got, ()) = tokio::join!(world.fetch("web"), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.behave(Behaviour::Sign);
        world.run_for(3, |_| ()).await;
    });
    got.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_very_short_life_does_not_make_a_storm() {
    let world = World::new();
    world.behave(Behaviour::Life(-60, 10));
    let _follow = world.manager.get(&name("web")).await.unwrap();
    world.fetch("web").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.authority.asked(), 1);
}
