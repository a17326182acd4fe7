use crate::discovery::shuffle;
use crate::http::Elsewhere;
use crate::model::{Datacenter, ServiceName};
use crate::proxy::{Endpoint, Endpoints};
use crate::task::Shutdown;
use crate::wire::{PassedAnswer, PassedRequest};
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long one question waits in the other datacenter for a change.
const WAIT: Duration = Duration::from_secs(60);
/// Between questions that are not answered.
const PAUSE: Duration = Duration::from_secs(1);
const OK: u16 = 200;

/// The healthy mesh instances of a service in another datacenter, as it told of them last.
pub(in crate::agent) struct RemoteEndpoints(watch::Receiver<Vec<SocketAddr>>);

impl Endpoints for RemoteEndpoints {
    fn candidates(&self) -> Vec<Endpoint> {
        let mut addresses = self.0.borrow().clone();
        if addresses.len() > 1 {
            shuffle(&mut addresses, rand::random());
        }
        addresses.into_iter().map(|address| Endpoint { address }).collect()
    }
}

/// Asks the other datacenter, as long as anybody wants to know. What was known stays while nobody answers.
pub(in crate::agent) struct RemoteFollower {
    elsewhere: Arc<dyn Elsewhere>,
    datacenter: Datacenter,
    destination: ServiceName,
    known: watch::Sender<Vec<SocketAddr>>,
}

impl RemoteFollower {
    pub fn new(
        elsewhere: Arc<dyn Elsewhere>,
        datacenter: Datacenter,
        destination: ServiceName,
    ) -> (Self, RemoteEndpoints) {
        let (known, addresses) = watch::channel(Vec::new());
        (Self { elsewhere, datacenter, destination, known }, RemoteEndpoints(addresses))
    }

    pub async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            () = self.follow() => {}
            () = self.known.closed() => {}
            () = shutdown.begun() => {}
        }
    }

    async fn follow(&self) {
        let (mut index, mut failing) = (0, false);
        loop {
            match self.ask(index).await {
                Ok((newer, addresses)) => {
                    // An index that went back is another state's: it is read from the beginning.
                    index = if newer < index { 0 } else { newer };
                    failing = false;
                    self.known.send_replace(addresses);
                }
                Err(reason) => {
                    if !failing {
                        tracing::warn!(datacenter = %self.datacenter, service = %self.destination, %reason,
                            "where the instances of another datacenter are is not known now");
                    }
                    (index, failing) = (0, true);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn ask(&self, index: u64) -> Result<(u64, Vec<SocketAddr>), String> {
        let request = PassedRequest {
            origin: None,
            method: "GET".to_owned(),
            uri: format!(
                "/v1/health/connect/{}?passing=1&dc={}&index={index}&wait={}s",
                self.destination,
                self.datacenter,
                WAIT.as_secs()
            ),
            token: None,
            body: Vec::new(),
            hops: 1,
        };
        // The other side waits up to a sixteenth longer.
        let answer = self.elsewhere.pass_across(&self.datacenter, request, WAIT + WAIT / 8).await?;
        if answer.status != OK {
            return Err(String::from_utf8_lossy(&answer.body).into_owned());
        }
        read(&answer)
    }
}

fn read(answer: &PassedAnswer) -> Result<(u64, Vec<SocketAddr>), String> {
    let index = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-consul-index"));
    let index = index.and_then(|(_, value)| value.parse().ok()).ok_or("an answer without an index")?;
    let entries: Vec<Value> = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    Ok((index, entries.iter().filter_map(address).collect()))
}

/// The service's own address, else where its node is reached from other networks. Names are left out, as they are at
/// home: resolving them would block a proxy's thread.
fn address(entry: &Value) -> Option<SocketAddr> {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let own = text("/Service/Address").filter(|own| Some(*own) != text("/Node/Address"));
    let found = own.or_else(|| text("/Node/TaggedAddresses/wan")).or_else(|| text("/Node/Address"))?;
    let port = entry.pointer("/Service/Port").and_then(Value::as_u64)?;
    Some(SocketAddr::new(found.parse::<IpAddr>().ok()?, u16::try_from(port).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_instance_is_where_other_networks_reach_it() {
        let node = json!({"Address": "10.0.0.1", "TaggedAddresses": {"wan": "192.0.2.1"}});
        let table = [
            (json!({"Node": node, "Service": {"Address": "", "Port": 1}}), Some("192.0.2.1:1")),
            (json!({"Node": node, "Service": {"Address": "10.0.0.1", "Port": 1}}), Some("192.0.2.1:1")),
            (json!({"Node": node, "Service": {"Address": "10.0.0.9", "Port": 2}}), Some("10.0.0.9:2")),
            (json!({"Node": {"Address": "10.0.0.1"}, "Service": {"Port": 3}}), Some("10.0.0.1:3")),
            (json!({"Node": {"Address": "db.example"}, "Service": {"Port": 3}}), None),
            (json!({"Node": node, "Service": {"Port": 70_000}}), None),
        ];
        for (entry, wanted) in table {
            assert_eq!(address(&entry).map(|found| found.to_string()).as_deref(), wanted, "{entry}");
        }
    }

    #[test]
    fn an_answer_without_an_index_is_none() {
        let answer = |headers| PassedAnswer { status: OK, headers, body: b"[]".to_vec() };
        assert!(read(&answer(Vec::new())).is_err());
        let indexed = answer(vec![("x-consul-index".to_owned(), "7".to_owned())]);
        assert_eq!(read(&indexed), Ok((7, Vec::new())));
    }
}
