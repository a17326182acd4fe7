mod faults;
mod messages;
mod world;

use super::*;
use bytes::Bytes;
use std::time::Duration;
use world::{LIMIT, PATIENCE, World, strangers, tls};

#[tokio::test]
async fn calls_share_one_connection_and_answers_find_their_callers() {
    let world = World::start(RpcLimits::default()).await;
    let calls = (0..200_u32).map(|number| {
        let pool = world.pool.clone();
        async move { pool.call::<u32, u32>(world.address, "echo", &number, PATIENCE).await.unwrap() }
    });
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers, (0..200).collect::<Vec<_>>());
    assert_eq!(world.handler.ports.lock().unwrap().len(), 1, "one connection");
}

#[tokio::test]
async fn a_refusal_is_told_with_its_reason() {
    let world = World::start(RpcLimits::default()).await;
    let refused = world.pool.call::<_, ()>(world.address, "refuse", &(), PATIENCE).await.unwrap_err();
    assert!(matches!(&refused, RpcError::Refused { reason, .. } if reason == "not today"), "{refused}");
    let unknown = world.pool.call::<_, ()>(world.address, "unknown", &(), PATIENCE).await.unwrap_err();
    assert!(unknown.to_string().contains("may not call \"unknown\""), "{unknown}");
}

#[tokio::test]
async fn strangers_get_nothing() {
    let world = World::start(RpcLimits::default()).await;
    for (what, tls) in strangers() {
        let pool = Pool::new(tls, RpcLimits::default());
        let failed = pool.call::<_, u32>(world.address, "echo", &1, PATIENCE).await.unwrap_err();
        // In TLS 1.3 the client is done before the server has seen its certificate.
        let told = matches!(failed, RpcError::Handshake { .. } | RpcError::Broken { .. });
        assert!(told, "{what}: {failed}");
    }
    assert!(world.handler.ports.lock().unwrap().is_empty(), "no call reached the handler");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_on_either_side() {
    let world = World::start(RpcLimits::default()).await;
    let large = Bytes::from(vec![0; LIMIT + 1]);
    let refused = world.pool.call_raw(world.address, "echo", large, PATIENCE).await.unwrap_err();
    assert!(matches!(refused, RpcError::Refused { .. } | RpcError::Broken { .. }), "{refused}");
    let careful = Pool::new(tls(), RpcLimits { answer: 100, ..RpcLimits::default() });
    let body = Bytes::from(vec![0; 101]);
    let refused = careful.call_raw(world.address, "echo", body, PATIENCE).await.unwrap_err();
    assert!(matches!(refused, RpcError::TooLarge { limit: 100, .. }), "{refused}");
    let fits = careful.call_raw(world.address, "echo", Bytes::from(vec![0; 100]), PATIENCE).await;
    assert_eq!(fits.unwrap().len(), 100, "the connection goes on");
}

#[tokio::test]
async fn frames_come_in_order_and_only_as_fast_as_they_are_read() {
    let world = World::start(RpcLimits::default()).await;
    let mut frames = world.pool.stream(world.address, "count", &(), PATIENCE).await.unwrap();
    for wanted in 0..10_u32 {
        let frame = frames.next().await.unwrap().unwrap();
        assert_eq!(frame[..4], wanted.to_be_bytes());
    }
    // Nobody reads now: the maker of frames comes to rest, though it has endless ones.
    let made = world.handler.rests().await;
    assert!(made < 10 + 64, "{made} frames of 64 KiB were made for nobody");
    let echo = world.pool.call::<_, u32>(world.address, "echo", &5, PATIENCE).await.unwrap();
    assert_eq!(echo, 5, "a full stream does not hold up other calls");
    drop(frames);
    world.handler.stream_dropped().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_the_next_call_makes_another() {
    let limits = RpcLimits { idle: Duration::from_millis(100), ..RpcLimits::default() };
    let world = World::start(limits).await;
    world.pool.call::<_, u32>(world.address, "echo", &1, PATIENCE).await.unwrap();
    while world.handler.ports.lock().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        world.pool.call::<_, u32>(world.address, "echo", &1, PATIENCE).await.unwrap();
    }
}
