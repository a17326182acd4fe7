use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Refusals are counted one by one but logged no more often than this.
const SILENCE: Duration = Duration::from_secs(1);

const BUSY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\n\
    content-type: text/plain; charset=utf-8\r\nretry-after: 1\r\nconnection: close\r\n\r\n\
    Your IP is issuing too many concurrent connections, please rate limit your calls";

/// Turns away connections that are past every limit.
#[derive(Debug, Default)]
pub struct Refusals {
    unsaid: u64,
    said: Option<Instant>,
}

impl Refusals {
    /// Costs two system calls and never waits: a flood must not take time from those who are let in.
    pub fn refuse(&mut self, stream: TcpStream, client: SocketAddr) {
        metrics::counter!("http.connections.refused").increment(1);
        self.log(client);
        // Whoever is refused may be gone already; there is nothing to do about it.
        if let Ok(mut stream) = stream.into_std() {
            // What has come is read, so that closing does not reset the connection over our answer.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write(BUSY);
        }
    }

    fn log(&mut self, client: SocketAddr) {
        self.unsaid += 1;
        let now = Instant::now();
        if self.said.is_none_or(|said| now.duration_since(said) >= SILENCE) {
            let (count, client) = (self.unsaid, client.ip());
            tracing::warn!(count, %client, "connections were refused: too many are open");
            *self = Self { unsaid: 0, said: Some(now) };
        }
    }
}
