use std::future::Future;
use std::io;
use std::net::SocketAddr;

/// Carries datagrams, which may get lost, come twice or late, and in another order.
pub trait Transport: Send + 'static {
    /// Gives a datagram up rather than wait: what is lost is sent again by those who need it.
    fn send(&self, to: SocketAddr, datagram: &[u8]);

    /// The next datagram, how long it is and who says that he sent it. Nothing is lost when the future is dropped.
    fn receive(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send;

    /// The same, if one has come already.
    fn try_receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)>;
}
