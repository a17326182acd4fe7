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
    /// Of the head itself, in bytes.
    size: usize,
}

/// Small, since thousands of connections may be open.
const CHUNK: usize = 4096;

/// Agents send about ten.
const HEADERS: usize = 64;

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
        let head = self.receive_until(Head::parse).await?;
        self.incoming.drain(..head.size);
        let body = if head.chunked { self.chunks().await? } else { self.take(head.length).await? };
        Ok(Answer { status: head.status, index: head.index, body })
    }

    /// Receives until that is found in what was received.
    async fn receive_until<T>(&mut self, find: impl Fn(&[u8]) -> Result<Option<T>>) -> Result<T> {
        loop {
            if let Some(found) = find(&self.incoming)? {
                return Ok(found);
            }
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
            let (line, size) = self.receive_until(chunk_size).await?;
            self.incoming.drain(..line);
            let chunk = self.take(size + 2).await?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

impl Head {
    /// `None` until all of it is there.
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        let parsed = answer.parse(bytes).context("reading the head of an answer")?;
        let httparse::Status::Complete(size) = parsed else { return Ok(None) };
        let mut head = Self { status: answer.code.unwrap_or_default(), size, ..Self::default() };
        for header in answer.headers {
            head.note(header)?;
        }
        Ok(Some(head))
    }

    fn note(&mut self, header: &httparse::Header<'_>) -> Result<()> {
        let value = || str::from_utf8(header.value).with_context(|| format!("{} is no text", header.name));
        if header.name.eq_ignore_ascii_case("content-length") {
            self.length = value()?.parse().context("reading Content-Length")?;
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            self.chunked = value()?.eq_ignore_ascii_case("chunked");
        } else if header.name.eq_ignore_ascii_case("x-consul-index") {
            self.index = value()?.parse().unwrap_or(0);
        }
        Ok(())
    }
}

/// Of the line that says how long a chunk is, its own length and the chunk's; `None` until all of it is there.
fn chunk_size(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    match httparse::parse_chunk_size(bytes) {
        Ok(httparse::Status::Complete((line, size))) => Ok(Some((line, usize::try_from(size)?))),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => bail!("the answer's chunk does not say how long it is"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_what_follows() {
        let head = b"HTTP/1.1 404 Not Found\r\nX-Consul-Index: 17\r\ncontent-length: 3\r\n\r\nabc";
        let expected = Head { status: 404, index: 17, length: 3, chunked: false, size: head.len() - 3 };
        assert_eq!(Head::parse(head).unwrap(), Some(expected));
        assert_eq!(Head::parse(&head[..30]).unwrap(), None);
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(Head::parse(chunked).unwrap().unwrap().chunked);
        assert!(Head::parse(b"SSH-2.0\r\n\r\n").is_err());
    }

    #[test]
    fn a_chunk_says_how_long_it_is() {
        assert_eq!(chunk_size(b"1f;name=value\r\nabc").unwrap(), Some((15, 31)));
        assert_eq!(chunk_size(b"1f").unwrap(), None);
        assert!(chunk_size(b"nothing\r\n").is_err());
    }
}
