//! `rtt`.

use super::call::Call;
use super::client::{DatacenterPlaces, NodePlace, Query};
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;

pub(super) const RTT: Command = Command {
    path: "rtt",
    synopsis: "Estimates the round trip between two nodes",
    arguments: "NODE1 [NODE2]",
    about: "Estimates how long a round trip between two nodes takes, from the places that gossip has found for them; \
            without NODE2 from the agent's own node. With -wan nodes are servers, named NODE.DATACENTER.",
    flags: &[Flag::switch("wan", "Between servers of datacenters.")],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(rtt(call))),
};

async fn rtt(call: &Call) -> Result<String, Failure> {
    let wan = call.matches.is_on("wan");
    let (one, two) = match call.matches.positional.as_slice() {
        [one] => (one.clone(), own(call, wan).await?),
        [one, two] => (one.clone(), two.clone()),
        _ => return Err(Failure::new("One or two node names must be specified")),
    };
    let places = places(call, wan).await?;
    let find = |name: &str| {
        let found = places.iter().find(|place| place.node.eq_ignore_ascii_case(name));
        found.ok_or_else(|| Failure::new(format!("Could not find a coordinate for node {name:?}")))
    };
    let millis = find(&one)?.coord.distance(&find(&two)?.coord) * 1000.0;
    let pool = if wan { "WAN" } else { "LAN" };
    Ok(format!("Estimated {one} <-> {two} rtt: {millis:.3} ms (using {pool} coordinates)"))
}

async fn own(call: &Call, wan: bool) -> Result<String, Failure> {
    let agent = call.client()?.agent_self().await.or_fail("Unable to look up agent info")?;
    let text = |key: &str| agent.config.get(key).and_then(|value| value.as_str()).unwrap_or_default();
    let name = text("NodeName").to_owned();
    Ok(if wan { format!("{name}.{}", text("Datacenter")) } else { name })
}

async fn places(call: &Call, wan: bool) -> Result<Vec<NodePlace>, Failure> {
    const FAILED: &str = "Error getting coordinates";
    let (client, query) = (call.client()?, Query::new());
    if !wan {
        return client.node_places(&query).await.or_fail(FAILED);
    }
    let datacenters = client.server_places(&query).await.or_fail(FAILED)?;
    Ok(datacenters.into_iter().flat_map(by_full_name).collect())
}

/// The API names a server as its datacenter does.
fn by_full_name(datacenter: DatacenterPlaces) -> impl Iterator<Item = NodePlace> {
    let DatacenterPlaces { datacenter, coordinates } = datacenter;
    coordinates
        .into_iter()
        .map(move |place| NodePlace { node: format!("{}.{datacenter}", place.node), ..place })
}
