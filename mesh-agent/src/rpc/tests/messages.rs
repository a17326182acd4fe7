use super::super::*;
use super::world::{LIMIT, PATIENCE, World, strangers, tls};
use bytes::Bytes;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;

fn messenger(method: &'static str) -> Messenger {
    Messenger::new(method, tls(), RpcLimits::default())
}

#[tokio::test]
async fn messages_share_one_connection_and_answers_find_their_senders() {
    let world = World::start(RpcLimits::default()).await;
    let messenger = messenger("echo");
    let messages = (0..500_u32).map(|number| {
        let body = Bytes::copy_from_slice(&number.to_be_bytes());
        messenger.send(world.address, body, PATIENCE)
    });
    for (number, answer) in futures_util::future::join_all(messages).await.into_iter().enumerate() {
        assert_eq!(answer.unwrap()[..], u32::try_from(number).unwrap().to_be_bytes());
    }
    assert_eq!(world.handler.ports.lock().unwrap().len(), 1, "one connection");
}

#[tokio::test]
async fn refusals_are_told_with_their_reasons() {
    let world = World::start(RpcLimits::default()).await;
    for (method, told) in
        [("refuse", "not today"), ("unknown", "may not call \"unknown\""), ("count", "call it")]
    {
        let refused = messenger(method).send(world.address, Bytes::new(), PATIENCE).await.unwrap_err();
        assert!(matches!(refused, RpcError::Refused { .. }), "{method}: {refused}");
        assert!(refused.to_string().contains(told), "{method}: {refused}");
    }
}

#[tokio::test]
async fn strangers_send_nothing() {
    let world = World::start(RpcLimits::default()).await;
    for (what, tls) in strangers() {
        let messenger = Messenger::new("echo", tls, RpcLimits::default());
        let failed = messenger.send(world.address, Bytes::new(), PATIENCE).await.unwrap_err();
        let told = matches!(failed, RpcError::Handshake { .. } | RpcError::Broken { .. });
        assert!(told, "{what}: {failed}");
    }
    assert!(world.handler.ports.lock().unwrap().is_empty(), "no message reached the handler");
}

#[tokio::test]
async fn what_is_too_large_is_refused_or_ends_its_connection() {
    let world = World::start(RpcLimits::default()).await;
    let messenger = messenger("echo");
    let send = |size: usize| messenger.send(world.address, Bytes::from(vec![7; size]), PATIENCE);
    assert_eq!(send(LIMIT).await.unwrap().len(), LIMIT);
    let refused = send(LIMIT + 1).await.unwrap_err();
    assert!(matches!(refused, RpcError::Refused { .. }), "{refused}");
    let broken = send(LIMIT + 100).await.unwrap_err();
    assert!(matches!(broken, RpcError::Broken { .. }), "{broken}");
    send(0).await.unwrap();
    assert_eq!(world.handler.ports.lock().unwrap().len(), 2, "the second connection goes on");
}

#[tokio::test]
async fn an_answer_that_does_not_come_holds_up_no_other() {
    let world = World::start(RpcLimits::default()).await;
    let stalling = messenger("stall");
    let late = stalling.send(world.address, Bytes::new(), Duration::from_millis(100)).await.unwrap_err();
    assert!(matches!(late, RpcError::Deadline { .. }) && late.may_have_been_taken(), "{late}");
    messenger("echo").send(world.address, Bytes::new(), PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_peer_that_answers_nothing_more_is_left_for_a_new_connection() {
    let instant = Duration::from_millis(50);
    let limits = RpcLimits { keep_alive: instant, keep_alive_timeout: instant, ..RpcLimits::default() };
    let world = World::start(RpcLimits::default()).await;
    let messenger = Messenger::new("stall", tls(), limits);
    let renewed = async {
        while world.handler.ports.lock().unwrap().len() < 2 {
            messenger.send(world.address, Bytes::new(), instant).await.unwrap_err();
        }
    };
    timeout(PATIENCE, renewed).await.expect("a second connection is made");
}

#[tokio::test]
async fn who_waits_is_told_when_the_peer_ends() {
    let world = World::start(RpcLimits::default()).await;
    let messenger = messenger("stall");
    let stalled = messenger.send(world.address, Bytes::new(), PATIENCE);
    let end = async {
        while world.handler.ports.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.shutdown.begin();
    };
    let (broken, ()) = timeout(PATIENCE, futures_util::future::join(stalled, end)).await.unwrap();
    assert!(matches!(broken, Err(RpcError::Broken { .. })), "{broken:?}");
}

#[tokio::test]
async fn who_is_not_there_is_known_at_once() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let messenger = messenger("echo");
    let first = messenger.send(gone, Bytes::new(), PATIENCE).await.unwrap_err();
    assert!(matches!(first, RpcError::Connect { .. }), "{first}");
    let second = messenger.send(gone, Bytes::new(), PATIENCE).await.unwrap_err();
    assert!(matches!(second, RpcError::Resting { .. }), "{second}");
}
