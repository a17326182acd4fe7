use anyhow::{Result, bail};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// What one call reads or writes in bulk.
pub const BLOCK: usize = 128 * 1024;
/// How often a sink says what it has swallowed.
pub const REPORT: u64 = 1 << 20;

/// What a connection is for: its first byte, answered by [`READY`] once the whole path is up.
#[derive(Clone, Copy)]
pub enum Role {
    /// Everything comes back.
    Echo,
    /// Everything is swallowed; the total comes back, 8 bytes big-endian, for each [`REPORT`].
    Sink,
    /// Nothing more is sent; the application waits for the end.
    Quiet,
}

pub const READY: u8 = b'K';

impl Role {
    pub fn byte(self) -> u8 {
        match self {
            Self::Echo => b'E',
            Self::Sink => b'S',
            Self::Quiet => b'Q',
        }
    }

    pub fn of(byte: u8) -> Option<Self> {
        [Self::Echo, Self::Sink, Self::Quiet].into_iter().find(|role| role.byte() == byte)
    }
}

/// A connection whose application has answered.
pub async fn open(address: SocketAddr, role: Role) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&[role.byte()]).await?;
    match stream.read_u8().await? {
        READY => Ok(stream),
        other => bail!("{address} does not lead to the benchmark's application: it answers {other:#x}"),
    }
}

/// The same, again and again until it succeeds or the time is over.
pub async fn open_within(address: SocketAddr, role: Role, time: Duration) -> Result<TcpStream> {
    let begun = Instant::now();
    loop {
        match timeout(time, open(address, role)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) if begun.elapsed() > time => return Err(error),
            Err(_) => bail!("{address} does not answer"),
            Ok(Err(_)) => sleep(Duration::from_millis(20)).await,
        }
    }
}
