use super::super::*;
use super::world::{PATIENCE, World, tls};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

#[tokio::test]
async fn who_is_not_there_is_known_at_once_and_tried_again_later() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let pool = Pool::new(tls(), RpcLimits::default());
    let first = pool.call::<_, u32>(gone, "echo", &1, PATIENCE).await.unwrap_err();
    assert!(matches!(first, RpcError::Connect { .. }), "{first}");
    let second = pool.call::<_, u32>(gone, "echo", &1, PATIENCE).await.unwrap_err();
    assert!(matches!(second, RpcError::Resting { .. }), "{second}");
    assert!(!first.may_have_been_taken() && !second.may_have_been_taken());
    let world = World::at(gone, RpcLimits::default()).await;
    let answered = async {
        while pool.call::<_, u32>(world.address, "echo", &1, PATIENCE).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, answered).await.expect("it is found again");
}

#[tokio::test]
async fn a_peer_that_accepts_and_says_nothing_costs_no_more_than_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute = listener.local_addr().unwrap();
    let pool = Pool::new(tls(), RpcLimits::default());
    let (asked, patience) = (Instant::now(), Duration::from_millis(200));
    let failed = pool.call::<_, u32>(mute, "echo", &1, patience).await.unwrap_err();
    assert!(matches!(failed, RpcError::Deadline { .. }), "{failed}");
    assert!(asked.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn a_call_that_is_not_answered_ends_at_its_deadline_and_the_connection_goes_on() {
    let world = World::start(RpcLimits::default()).await;
    let patience = Duration::from_millis(100);
    let late = world.pool.call::<_, u32>(world.address, "stall", &1, patience).await.unwrap_err();
    assert!(matches!(late, RpcError::Deadline { .. }) && late.may_have_been_taken(), "{late}");
    assert_eq!(world.pool.call::<_, u32>(world.address, "echo", &2, PATIENCE).await.unwrap(), 2);
    assert_eq!(world.handler.ports.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_ends_breaks_calls_and_streams_instead_of_leaving_them_hanging() {
    let world = World::start(RpcLimits::default()).await;
    let mut frames = world.pool.stream(world.address, "count", &(), PATIENCE).await.unwrap();
    frames.next().await.unwrap().unwrap();
    let stalled = world.pool.call::<_, u32>(world.address, "stall", &1, PATIENCE);
    let end = async {
        world.handler.rests().await;
        world.shutdown.begin();
    };
    let (broken, ()) = timeout(PATIENCE, futures_util::future::join(stalled, end)).await.unwrap();
    assert!(broken.unwrap_err().may_have_been_taken());
    let last = async {
        loop {
            match frames.next().await {
                Some(Ok(_)) => {}
                end => return end,
            }
        }
    };
    let last = timeout(PATIENCE, last).await.expect("the stream ends");
    assert!(matches!(last, Some(Err(RpcError::Broken { .. }))), "{last:?}");
}
