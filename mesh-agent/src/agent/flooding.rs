use crate::gossip::{DEFAULT_WAN_PORT, Gossip, Member};
use crate::task::Shutdown;
use std::net::SocketAddr;
use std::time::Duration;

/// How often servers of this datacenter are looked for that are not in the pool of all datacenters.
const PERIOD: Duration = Duration::from_secs(10);
/// What a server tells its datacenter of where it gossips with others: Consul's name for it.
pub(super) const PORT_TAG: &str = "wan_join_port";

/// Brings all servers of this datacenter into the pool of all datacenters, when one has joined it.
pub(super) struct Flooding {
    pub lan: Gossip,
    pub wan: Gossip,
}

impl Flooding {
    pub async fn run(self, shutdown: Shutdown) {
        let mut members = self.lan.watch();
        loop {
            let missing = self.missing();
            if !missing.is_empty() {
                let joins = self.wan.join(&missing, DEFAULT_WAN_PORT).await;
                for error in joins.failed {
                    tracing::debug!(%error, "a server of this datacenter is not in the pool of all yet");
                }
            }
            members.mark_unchanged();
            tokio::select! {
                changed = members.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(PERIOD) => {}
                () = shutdown.begun() => return,
            }
        }
    }

    fn missing(&self) -> Vec<String> {
        let (lan, wan) = (self.lan.members(), self.wan.members());
        let is_there = |member: &Member| {
            let name = wan_name(member);
            wan.get(&name).is_some_and(|known| known.state.is_alive())
        };
        let servers = lan.alive().map(|known| &known.member).filter(|member| member.is_server());
        servers.filter(|member| !is_there(member)).filter_map(place).collect()
    }
}

/// What a server is called where there are several datacenters.
pub(super) fn wan_name(member: &Member) -> String {
    format!("{}.{}", member.name, member.datacenter)
}

fn place(member: &Member) -> Option<String> {
    let port = member.tags.get(PORT_TAG)?.parse().ok()?;
    Some(SocketAddr::new(member.address, port).to_string())
}
