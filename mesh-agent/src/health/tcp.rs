use super::CheckRefused;
use super::connect::HostPort;
use super::report::ProbeResult;
use crate::model::CheckId;

/// Passes when a connection can be made.
#[derive(Debug)]
pub(super) struct TcpProber {
    address: String,
    target: HostPort,
}

impl TcpProber {
    pub(super) fn new(check: &CheckId, address: &str) -> Result<Self, CheckRefused> {
        Ok(Self { address: address.to_owned(), target: HostPort::parse(check, address)? })
    }

    pub(super) async fn probe(&self) -> ProbeResult {
        match self.target.connect().await {
            Ok(_closed) => ProbeResult::passing(format!("TCP connect {}: Success", self.address)),
            Err(error) => ProbeResult::critical(format!("TCP connect {}: {error}", self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, free_port};
    use super::*;
    use crate::model::CheckStatus;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_listening_port_passes_and_a_closed_one_is_critical() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let open = TcpProber::new(&testing::id("c"), &address).unwrap().probe().await;
        assert_eq!(open, ProbeResult::passing(format!("TCP connect {address}: Success")));

        let closed = format!("127.0.0.1:{}", free_port());
        let refused = TcpProber::new(&testing::id("c"), &closed).unwrap().probe().await;
        assert_eq!(refused.status, CheckStatus::Critical);
        assert!(refused.output.contains("refused"), "{}", refused.output);
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_critical() {
        let result = TcpProber::new(&testing::id("c"), "no-such-host.invalid:80").unwrap().probe().await;
        assert_eq!(result.status, CheckStatus::Critical);
    }
}
