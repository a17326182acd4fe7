use crate::cli::client::HealthEntry;
use crate::discovery::shuffle;
use crate::proxy::{Endpoint, Endpoints};
use std::net::{IpAddr, SocketAddr};
use tokio::sync::watch;

/// The healthy mesh instances of one service, as the agent said last.
pub(super) struct WatchedEndpoints(pub watch::Receiver<Option<Vec<HealthEntry>>>);

impl Endpoints for WatchedEndpoints {
    fn candidates(&self) -> Vec<Endpoint> {
        let mut found: Vec<Endpoint> = self.0.borrow().iter().flatten().filter_map(endpoint).collect();
        shuffle(&mut found, rand::random());
        found
    }
}

/// An instance without an address is at its node's. One whose address is a name is left out: resolving it would
/// block a proxy's thread.
fn endpoint(entry: &HealthEntry) -> Option<Endpoint> {
    let own = entry.service.address.as_str();
    let host = if own.is_empty() { &entry.node.address } else { own };
    let ip: IpAddr = host.parse().ok()?;
    Some(Endpoint { address: SocketAddr::new(ip, entry.service.port) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_at_its_own_address_or_at_its_nodes() {
        let entries = serde_json::json!([
            {"Node": {"Address": "10.0.0.1"}, "Service": {"Address": "", "Port": 1}},
            {"Node": {"Address": "10.0.0.1"}, "Service": {"Address": "10.0.0.2", "Port": 2}},
            {"Node": {"Address": "10.0.0.1"}, "Service": {"Address": "db.example", "Port": 3}},
        ]);
        let (_keep, feed) = watch::channel(Some(serde_json::from_value(entries).unwrap()));
        let mut found: Vec<String> =
            WatchedEndpoints(feed).candidates().iter().map(|e| e.address.to_string()).collect();
        found.sort();
        assert_eq!(found, ["10.0.0.1:1", "10.0.0.2:2"]);
    }
}
