use anyhow::{Context, Result, bail};
use std::io::Write;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One HTTP/1.1 connection, used for one request after the other.
pub struct Client {
    address: SocketAddr,
    stream: TcpStream,
    outgoing: Vec<u8>,
    /// What was received and not taken yet.
    incoming: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    /// Of a blocking query; 0 where there is none.
    pub index: u64,
    pub body: Vec<u8>,
}

impl Answer {
    /// The beginning of the body, for messages.
    pub fn excerpt(&self) -> String {
        let shown = &self.body[..self.body.len().min(120)];
        format!("{} {}", self.status, String::from_utf8_lossy(shown).trim())
    }
}

/// What an answer's head says.
#[derive(Debug, Default, PartialEq)]
struct Head {
    status: u16,
    index: u64,
    length: usize,
    chunked: bool,
}

/// Small, since thousands of connections may be open.
const CHUNK: usize = 4096;

impl Client {
    pub async fn dial(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream, outgoing: Vec::new(), incoming: Vec::new() })
    }

    pub async fn call(&mut self, method: &str, path: &str, body: &str) -> Result<Answer> {
        self.outgoing.clear();
        let (address, length) = (self.address, body.len());
        write!(self.outgoing, "{method} {path} HTTP/1.1\r\nHost: {address}\r\n")?;
        if method != "GET" {
            write!(self.outgoing, "Content-Length: {length}\r\n")?;
        }
        write!(self.outgoing, "\r\n{body}")?;
        self.stream.write_all(&self.outgoing).await?;
        let end = self.receive_until(b"\r\n\r\n").await?;
        let head = Head::parse(&self.incoming[..end])?;
        self.incoming.drain(..end);
        let body = if head.chunked { self.chunks().await? } else { self.take(head.length).await? };
        Ok(Answer { status: head.status, index: head.index, body })
    }

    /// Where the first `mark` ends in what was received.
    async fn receive_until(&mut self, mark: &[u8]) -> Result<usize> {
        let mut searched: usize = 0;
        loop {
            let from = searched.saturating_sub(mark.len() - 1);
            if let Some(at) = self.incoming[from..].windows(mark.len()).position(|found| found == mark) {
                return Ok(from + at + mark.len());
            }
            searched = self.incoming.len();
            self.receive().await?;
        }
    }

    async fn receive(&mut self) -> Result<()> {
        self.incoming.reserve(CHUNK);
        if self.stream.read_buf(&mut self.incoming).await? == 0 {
            bail!("{} closed the connection before it had answered", self.address);
        }
        Ok(())
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.incoming.len() < length {
            self.receive().await?;
        }
        Ok(self.incoming.drain(..length).collect())
    }

    async fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = self.receive_until(b"\r\n").await?;
            let line = self.take(end).await?;
            let digits = str::from_utf8(&line)?.trim().split(';').next().unwrap_or_default().to_owned();
            let size = usize::from_str_radix(&digits, 16).with_context(|| format!("chunk of {digits:?}"))?;
            let chunk = self.take(size + 2).await?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut lines = str::from_utf8(bytes).context("the head of an answer is no text")?.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut head = Self {
            status: status.with_context(|| format!("{first:?} begins no HTTP answer"))?,
            ..Self::default()
        };
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            if name.eq_ignore_ascii_case("content-length") {
                head.length = value.parse().context("reading Content-Length")?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.chunked = value.eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("x-consul-index") {
                head.index = value.parse().unwrap_or(0);
            }
        }
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_what_follows() {
        let head = b"HTTP/1.1 404 Not Found\r\nX-Consul-Index: 17\r\ncontent-length: 3\r\n\r\n";
        assert_eq!(Head::parse(head).unwrap(), Head { status: 404, index: 17, length: 3, chunked: false });
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(Head::parse(chunked).unwrap().chunked);
        assert!(Head::parse(b"SSH-2.0\r\n\r\n").is_err());
    }
}
