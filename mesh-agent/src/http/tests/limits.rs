use super::harness::{House, house_with};
use crate::http::HttpLimits;
use http::StatusCode;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn hasty() -> HttpLimits {
    HttpLimits {
        header_timeout: Duration::from_millis(200),
        body_timeout: Duration::from_millis(200),
        ..HttpLimits::default()
    }
}

/// Opens a connection with a blocking query on it, and waits until the server has it.
async fn waiting(house: &House) -> TcpStream {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(b"GET /v1/status/leader HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    read_some(&mut stream).await;
    stream.write_all(b"GET /v1/catalog/nodes?index=99 HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    stream
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut bytes)).await.unwrap().unwrap();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

#[tokio::test]
async fn past_the_limit_waiting_is_refused_and_status_still_answers() {
    let house = house_with(HttpLimits { per_client: 3, ..HttpLimits::default() }).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(waiting(&house).await);
    }
    let got = house.get("/v1/catalog/nodes?index=99").await;
    assert_eq!(got.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(got.header("retry-after"), "1");
    for _ in 0..10 {
        let got = house.get("/v1/status/leader").await;
        assert_eq!((got.status, got.header("connection")), (StatusCode::OK, "close"));
    }
}

#[tokio::test]
async fn a_seat_is_free_once_its_client_hangs_up() {
    let house = house_with(HttpLimits { per_client: 1, ..HttpLimits::default() }).await;
    drop(waiting(&house).await);
    let deadline = Instant::now() + Duration::from_secs(5);
    while house.get("/v1/status/leader").await.header("connection") == "close" {
        assert!(Instant::now() < deadline, "the seat stays taken");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn slow_headers_end_the_connection_and_disturb_nobody() {
    let house = house_with(hasty()).await;
    let mut slow = TcpStream::connect(house.address).await.unwrap();
    slow.write_all(b"GET /v1/status/leader HTTP/1.1\r\nhost: loc").await.unwrap();
    assert_eq!(house.get("/v1/status/leader").await.status, StatusCode::OK);
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), slow.read_to_end(&mut rest)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_slow_body_is_answered_408() {
    let house = house_with(hasty()).await;
    let head = b"PUT /v1/catalog/register HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{";
    assert!(house.raw(head).await.starts_with("HTTP/1.1 408 "));
}

#[tokio::test]
async fn past_every_limit_a_connection_is_told_to_come_later() {
    let house = house_with(HttpLimits { per_client: 1, overflow: 1, ..HttpLimits::default() }).await;
    let _held = waiting(&house).await;
    let mut slow = TcpStream::connect(house.address).await.unwrap();
    slow.write_all(b"GET").await.unwrap();
    let refused = house.raw(b"GET /v1/status/leader HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 429 ") && refused.contains("retry-after: 1"), "{refused}");
    slow.write_all(b" /v1/status/leader HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert!(read_some(&mut slow).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn clients_that_keep_refused_connections_open_take_nothing_from_others() {
    let limits = HttpLimits { per_client: 1, overflow: 2, ..HttpLimits::default() };
    let house = house_with(limits).await;
    let _held = waiting(&house).await;
    let mut refused = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        stream
            .write_all(b"GET /v1/catalog/nodes?index=99 HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .unwrap();
        assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 429 "));
        refused.push(stream);
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while house.get("/v1/status/leader").await.status != StatusCode::OK {
        assert!(Instant::now() < deadline, "refused connections keep their seats");
    }
}
