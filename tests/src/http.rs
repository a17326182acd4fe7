//! A plain HTTP/1.1 client: one request a connection, nothing done behind the test's back.

use crate::wait::here;
use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer, its header names in lower case.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// # Panics
    /// The body is not JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Longer than any answer should take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Sends one request to a port of this host and reads the whole answer.
///
/// # Errors
/// The connection is refused, reset, silent for a minute, or ends before an answer.
pub fn request(port: u16, method: &str, target: &str, body: &[u8]) -> io::Result<Response> {
    request_at(loopback(port), PATIENCE, method, target, body)
}

/// The same at any address, of whom no more than `patience` is expected on an ordinary machine.
///
/// # Errors
/// As [`request`].
pub fn request_at(
    to: SocketAddr,
    patience: Duration,
    method: &str,
    target: &str,
    body: &[u8],
) -> io::Result<Response> {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = exchange_at(to, patience, &[head.as_bytes(), body].concat())?;
    parse(&answer)
        .ok_or_else(|| io::Error::other(format!("no HTTP answer: {:?}", String::from_utf8_lossy(&answer))))
}

/// Sends bytes as they are and reads until the other side closes.
///
/// # Errors
/// The connection is refused, or fails before anything was read.
pub fn exchange(port: u16, bytes: &[u8]) -> io::Result<Vec<u8>> {
    exchange_at(loopback(port), PATIENCE, bytes)
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn exchange_at(to: SocketAddr, patience: Duration, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let patience = here(patience);
    let mut stream = TcpStream::connect_timeout(&to, patience.min(here(Duration::from_secs(10))))?;
    stream.set_read_timeout(Some(patience))?;
    // A server may answer and close before it has read all of a body that it refuses.
    let sent = stream.write_all(bytes);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    match (answer.is_empty(), sent.and(read.map(drop))) {
        (true, Err(error)) => Err(error),
        _ => Ok(answer),
    }
}

fn parse(answer: &[u8]) -> Option<Response> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let split = |line: &str| line.split_once(':').map(|(k, v)| (k.to_ascii_lowercase(), v.trim().to_owned()));
    let headers: Vec<(String, String)> = lines.filter_map(split).collect();
    let chunked = headers.iter().any(|(key, value)| key == "transfer-encoding" && value == "chunked");
    let body = if chunked { unchunk(body) } else { body.to_owned() };
    Some(Response { status, headers, body })
}

fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        let Some(chunk) = after.get(..size).filter(|chunk| !chunk.is_empty()) else { break };
        body += chunk;
        rest = after.get(size + 2..).unwrap_or_default();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together() {
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let response = parse(answer).unwrap();
        assert_eq!((response.status, response.body.as_str()), (200, "abcde"));
    }
}
