use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::http::deps::Operator;
use crate::model::ServiceName;
use crate::raft::Server;
use crate::state::{InstancesOf, Query, State, Through};
use crate::wire::{RaftConfiguration, RaftServer};
use serde_json::json;

/// The Raft protocol that Consul of this API's version speaks, which its tools print.
const PROTOCOL: &str = "3";

/// The servers, as the log has them.
pub async fn configuration(call: Call) -> Answered {
    let (servers, state) = (operator(&call)?.servers(), call.deps.catalog.state());
    let servers = servers.into_iter().map(|server| shown(&state, server)).collect();
    call.json_answer(&RaftConfiguration { servers, index: state.applied() })
}

/// Takes out a server that is named by its id or its address.
pub async fn remove(call: Call) -> Answered {
    let servers = operator(&call)?.servers();
    let (id, address) = (call.parameters.filled("id"), call.parameters.filled("address"));
    let named = |server: &&Server| match (id, address) {
        (Some(id), _) => server.id.to_string() == id,
        (None, address) => Some(server.address.as_str()) == address,
    };
    if id.is_some() == address.is_some() {
        return Err(ApiError::bad_request(
            "Must specify either ?id with the server's ID or ?address with IP:port of peer to remove",
        ));
    }
    let found = servers.iter().find(named).ok_or_else(|| {
        let asked = id.or(address).unwrap_or_default();
        ApiError::internal(format!("address {asked:?} was not found in the Raft configuration"))
    })?;
    operator(&call)?.remove(found.id).await.map_err(ApiError::internal)?;
    Ok(Answer::empty())
}

/// Has the leader step aside, for the server of this id if one is given.
pub async fn transfer(call: Call) -> Answered {
    let id = call.parameters.filled("id").map(|id| {
        id.parse()
            .map_err(|_| ApiError::bad_request(format!("found {id:?}, want a server's id from the list")))
    });
    operator(&call)?.transfer(id.transpose()?).await.map_err(ApiError::internal)?;
    call.json_answer(&json!({"Success": true}))
}

pub(super) fn operator(call: &Call) -> Result<&dyn Operator, ApiError> {
    let missing = || ApiError::Unsupported { reason: "this agent is no server: ask one".to_owned() };
    call.deps.operator.as_deref().ok_or_else(missing)
}

fn shown(state: &State, server: Server) -> RaftServer {
    RaftServer {
        node: node_of(state, &server.address).unwrap_or_else(|| "(unknown)".to_owned()),
        id: server.id.to_string(),
        address: server.address,
        leader: server.leader,
        voter: server.voter,
        protocol_version: PROTOCOL.to_owned(),
    }
}

/// Servers register themselves under one name.
fn node_of(state: &State, address: &str) -> Option<String> {
    let service = ServiceName::new("consul").ok()?;
    let servers = InstancesOf { service, through: Through::Direct }.run(state);
    let at = |instance: &crate::state::ServiceInstance| {
        let ip = instance.node.address.parse::<std::net::IpAddr>().ok()?;
        Some(std::net::SocketAddr::new(ip, instance.service.port).to_string())
    };
    servers.iter().find(|instance| at(instance).as_deref() == Some(address)).map(|i| i.node.name.to_string())
}
