use super::CheckRefused;
use super::connect::HostPort;
use super::report::ProbeResult;
use crate::model::CheckId;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::{Instant, timeout_at};

const MESSAGE: &[u8] = b"health check\n";

/// Passes unless the datagram is answered by an ICMP error: silence is what most UDP services give.
#[derive(Debug)]
pub(super) struct UdpProber {
    address: String,
    target: HostPort,
}

impl UdpProber {
    pub(super) fn new(check: &CheckId, address: &str) -> Result<Self, CheckRefused> {
        Ok(Self { address: address.to_owned(), target: HostPort::parse(check, address)? })
    }

    /// Waits for an answer or an error until the deadline.
    pub(super) async fn probe(&self, deadline: Instant) -> ProbeResult {
        match timeout_at(deadline, self.ask()).await {
            Ok(Err(error)) => ProbeResult::critical(format!("UDP connect {}: {error}", self.address)),
            Ok(Ok(())) | Err(_) => ProbeResult::passing(format!("UDP connect {}: Success", self.address)),
        }
    }

    async fn ask(&self) -> io::Result<()> {
        let mut found = lookup_host((self.target.host.as_str(), self.target.port)).await?;
        let peer = found.next().ok_or_else(|| io::Error::other("the name has no address"))?;
        let socket = UdpSocket::bind(any_address_like(peer)).await?;
        socket.connect(peer).await?;
        socket.send(MESSAGE).await?;
        socket.recv(&mut [0; 1]).await.map(drop)
    }
}

fn any_address_like(peer: SocketAddr) -> SocketAddr {
    match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, free_port};
    use super::*;
    use crate::model::CheckStatus;
    use std::time::Duration;

    async fn probe(address: &str, timeout: Duration) -> ProbeResult {
        let prober = UdpProber::new(&testing::id("c"), address).unwrap();
        prober.probe(Instant::now() + timeout).await
    }

    #[tokio::test]
    async fn silence_and_an_answer_pass() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let silent = probe(&address, Duration::from_millis(20)).await;
        assert_eq!(silent.status, CheckStatus::Passing);

        let answer = async {
            // The first probe's datagram is still queued; each is answered to its own sender.
            for _ in 0..2 {
                let (_, peer) = socket.recv_from(&mut [0; 64]).await.unwrap();
                socket.send_to(b"yes", peer).await.unwrap();
            }
        };
        let (answered, ()) = tokio::join!(probe(&address, Duration::from_secs(10)), answer);
        assert_eq!(answered, ProbeResult::passing(format!("UDP connect {address}: Success")));
    }

    #[tokio::test]
    async fn a_port_that_nobody_holds_is_critical() {
        let result = probe(&format!("127.0.0.1:{}", free_port()), Duration::from_secs(10)).await;
        assert_eq!(result.status, CheckStatus::Critical);
    }
}
