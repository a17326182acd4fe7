use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use serde_json::{Value, json};

/// Where a node stands that has measured no round trip: Vivaldi's origin with the widest error.
pub fn origin() -> Value {
    json!({"Vec": vec![0.0; 8], "Error": 1.5, "Adjustment": 0.0, "Height": 1.0e-5})
}

pub async fn datacenters(call: Call) -> Answered {
    let facts = &call.deps.facts;
    let servers: &[Value] =
        &[json!({"Node": format!("{}.{}", facts.node, facts.datacenter), "Segment": "", "Coord": origin()})];
    call.json_answer(&[json!({
        "Datacenter": facts.datacenter,
        "AreaID": "wan",
        "Coordinates": if facts.server { servers } else { &[] },
    })])
}

pub async fn nodes(call: Call) -> Answered {
    call.json_answer(&[own(&call)])
}

pub async fn node(call: Call) -> Answered {
    let name = call.named("node name")?;
    if !call.deps.facts.node.as_str().eq_ignore_ascii_case(name) {
        return Err(ApiError::not_found(format!("node {name:?} has no coordinate")));
    }
    call.json_answer(&[own(&call)])
}

fn own(call: &Call) -> Value {
    json!({"Node": call.deps.facts.node, "Segment": "", "Coord": origin()})
}
