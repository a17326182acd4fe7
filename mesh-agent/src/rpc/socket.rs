use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncWrite, BufWriter};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that the kernel keeps for us until they are accepted.
const BACKLOG: u32 = 1024;
/// What a record of TLS holds at most, in bytes.
const RECORD: usize = 16 << 10;
/// After so long without an acknowledgement the kernel gives a connection up. Its own patience is minutes.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Calls are small, and somebody waits for each.
pub(super) fn hasten(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED));
}

pub(super) async fn connect(to: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let connected = tokio::time::timeout(limit, TcpStream::connect(to)).await;
    let stream = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    hasten(&stream);
    Ok(stream)
}

/// Frames that are written together go as one record in one call to the kernel, not each by itself.
pub(super) fn gathered<S: AsyncWrite>(stream: S) -> BufWriter<S> {
    BufWriter::with_capacity(RECORD, stream)
}
