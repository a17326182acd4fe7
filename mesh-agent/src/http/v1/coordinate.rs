use crate::acl::Access;
use crate::catalog::Reply;
use crate::gossip::Gossip;
use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::model::{Coordinate, Datacenter, NodeName};
use crate::state::{Command, ListCoordinates};
use crate::wire;
use http::StatusCode;
use serde_json::json;
use std::collections::BTreeMap;

/// The servers of each datacenter, as seen between datacenters, where they have a place: by the names that they have
/// there, as Consul says them. One that is alone stands at the origin.
pub async fn datacenters(call: Call) -> Answered {
    let facts = &call.deps.facts;
    let own = format!("{}.{}", facts.node, facts.datacenter);
    let datacenters = match &call.deps.wan {
        Some(wan) => placed(wan, &own),
        None => [(facts.datacenter.clone(), vec![(facts.node.to_string(), Coordinate::default())])].into(),
    };
    let shown = |(name, coord): &(String, Coordinate)| wire::NodeCoordinate {
        node: name.clone(),
        segment: String::new(),
        coord: coord.into(),
    };
    let shown = datacenters.iter().map(|(datacenter, servers)| {
        let servers: Vec<_> = servers.iter().map(shown).collect();
        json!({"Datacenter": datacenter, "AreaID": "wan", "Coordinates": servers})
    });
    call.json_answer(&shown.collect::<Vec<_>>())
}

/// The servers that live, by datacenter.
fn placed(wan: &Gossip, own: &str) -> BTreeMap<Datacenter, Vec<(String, Coordinate)>> {
    let (members, places, here) = (wan.members(), wan.places(), *wan.place().borrow());
    let mut placed = BTreeMap::<Datacenter, Vec<_>>::new();
    for member in members.alive().map(|known| &known.member) {
        let is_own = member.name.as_str().eq_ignore_ascii_case(own);
        let place = if is_own { Some(here) } else { places.get(&member.gossip()).copied() };
        let servers = placed.entry(member.datacenter.clone()).or_default();
        let name = short_name(member.name.as_str(), &member.datacenter);
        servers.extend(place.map(|place| (name.to_owned(), place)));
    }
    placed
}

/// Between datacenters a server is called `NODE.DATACENTER`.
fn short_name<'a>(name: &'a str, datacenter: &Datacenter) -> &'a str {
    let node = name.strip_suffix(datacenter.as_str()).and_then(|rest| rest.strip_suffix('.'));
    node.unwrap_or(name)
}

/// Where nodes stand that have measured a round trip.
pub async fn nodes(call: Call) -> Answered {
    let reply = read(&call).await?;
    let shown = |places: Vec<(NodeName, Coordinate)>| {
        let seen = places.iter().filter(|(node, _)| call.sees_node(node));
        seen.map(wire::NodeCoordinate::from).collect::<Vec<_>>()
    };
    call.read_answer(&reply.map(shown), None)
}

/// One of them; 404 and nothing where it has none.
pub async fn node(call: Call) -> Answered {
    let name = call.named("node name")?.to_owned();
    let reply = read(&call).await?;
    let wanted = |(node, _): &&(NodeName, Coordinate)| {
        node.as_str().eq_ignore_ascii_case(&name) && call.sees_node(node)
    };
    let found: Vec<_> = reply.value.iter().filter(wanted).map(wire::NodeCoordinate::from).collect();
    if found.is_empty() {
        return Ok(call.read_headers(&reply, Answer::empty().status(StatusCode::NOT_FOUND)));
    }
    Ok(call.read_headers(&reply, call.json_answer(&found)?))
}

/// An agent that is alone measures nothing, and stands at the origin.
async fn read(call: &Call) -> Result<Reply<Vec<(NodeName, Coordinate)>>, ApiError> {
    let mut reply = call.read(&ListCoordinates).await?;
    if call.deps.gossip.is_none() && reply.value.is_empty() {
        reply.value.push((call.deps.facts.node.clone(), Coordinate::default()));
    }
    Ok(reply)
}

/// Where somebody else's measurements say that a node stands.
pub async fn update(call: Call) -> Answered {
    let wanted: wire::NodeCoordinate = call.json()?;
    call.enforce(Access::NODE_WRITE, &wanted.node)?;
    let node = NodeName::new(&wanted.node).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let place = Coordinate::try_from(&wanted.coord).map_err(ApiError::bad_request)?;
    call.deps.catalog.write(Command::PutCoordinates(vec![(node, place)])).await?;
    Ok(Answer::empty())
}
