use super::harness::house;
use http::{Method, StatusCode};

const PUT: &str = "PUT /v1/catalog/register HTTP/1.1\r\nhost: localhost\r\n";

#[tokio::test]
async fn requests_that_could_be_read_two_ways_are_refused() {
    let house = house().await;
    let table = [
        ("content-length: -1\r\n\r\n", "400"),
        ("content-length: 99999999999999999999999\r\n\r\n", "400"),
        ("content-length: 2\r\ncontent-length: 3\r\n\r\n{}", "400"),
        ("content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        ("transfer-encoding: gzip\r\n\r\n{}", "400"),
        ("no colon\r\n\r\n", "400"),
    ];
    for (rest, status) in table {
        let answer = house.raw(format!("{PUT}{rest}").as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{rest:?}: {answer}");
    }
    for noise in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        let answer = house.raw(noise.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{noise:?}: {answer}");
    }
    assert_eq!(house.get("/v1/status/leader").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_head_past_the_limit_is_answered_431() {
    let house = house().await;
    let head = format!("GET /v1/status/leader HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(2 << 20));
    let answer = house.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_body_past_the_limit_is_answered_413() {
    let house = house().await;
    let length = format!("{PUT}content-length: 8388608\r\n\r\n");
    let announced = house.raw(length.as_bytes()).await;
    assert!(announced.starts_with("HTTP/1.1 413 "), "{announced}");
    let big = "x".repeat(512 * 1024 + 1);
    let sent = house.send(Method::PUT, "/v1/catalog/register", &[], &big).await;
    assert_eq!(sent.status, StatusCode::PAYLOAD_TOO_LARGE);
    let chunk = format!("{PUT}transfer-encoding: chunked\r\n\r\n{:x}\r\n{big}\r\n0\r\n\r\n", big.len());
    let chunked = house.raw(chunk.as_bytes()).await;
    assert!(chunked.starts_with("HTTP/1.1 413 "), "{chunked}");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let house = house().await;
    let one = "GET /v1/status/leader HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let two = "GET /v1/status/peers HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = house.raw(format!("{one}{two}").as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert!(answer.trim_end().ends_with("[\"127.0.0.1:8300\"]"), "{answer}");
}
