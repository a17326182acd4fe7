use super::prepared_query::executed;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::model::{self, Datacenter, PreparedQueryId, QueryFailover};
use crate::state::ExecuteGiven;
use crate::wire::{PassedRequest, PreparedQuery};
use serde_json::Value;
use std::time::Duration;

const OK: u16 = 200;

/// What the first datacenter finds that finds anything, of those that the query names for when this one does not.
pub async fn elsewhere(call: &Call, query: &model::PreparedQuery) -> Option<Value> {
    let (own, known) = (&call.deps.facts.datacenter, call.deps.elsewhere.datacenters());
    for (tried, datacenter) in (1..).zip(order(&query.service.failover, own, &known)) {
        match ask(call, query, &datacenter).await {
            Ok(Some(mut found)) => {
                found["Failovers"] = Value::from(tried);
                return Some(found);
            }
            Ok(None) => {}
            Err(reason) => {
                tracing::warn!(query = query.name, %datacenter, reason, "a datacenter was not asked");
            }
        }
    }
    None
}

/// The nearest, as many as are wanted, then those with names; none twice, and not this one.
fn order(failover: &QueryFailover, own: &Datacenter, known: &[Datacenter]) -> Vec<Datacenter> {
    let nearest = usize::try_from(failover.nearest).unwrap_or(usize::MAX);
    let nearest = known.iter().filter(|datacenter| *datacenter != own).take(nearest).cloned();
    let named = failover.datacenters.iter().filter_map(|name| Datacenter::new(name).ok());
    let mut order: Vec<Datacenter> = Vec::new();
    for datacenter in nearest.chain(named) {
        if datacenter != *own && !order.contains(&datacenter) {
            order.push(datacenter);
        }
    }
    order
}

/// `None` where nothing is found there.
async fn ask(
    call: &Call,
    query: &model::PreparedQuery,
    datacenter: &Datacenter,
) -> Result<Option<Value>, String> {
    let filled_in = model::PreparedQuery { template: None, ..query.clone() };
    let limit = call.parameters.filled("limit").unwrap_or("0");
    let request = PassedRequest {
        origin: Some(call.origin.clone()),
        method: "POST".to_owned(),
        uri: format!("/v1/internal/query?dc={datacenter}&limit={limit}"),
        token: None,
        body: serde_json::to_vec(&PreparedQuery::from(&filled_in)).map_err(|error| error.to_string())?,
        hops: call.hops + 1,
    };
    let answer = call.deps.elsewhere.pass_across(datacenter, request, Duration::ZERO).await?;
    if answer.status != OK {
        return Err(String::from_utf8_lossy(&answer.body).into_owned());
    }
    let found: Value = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    let any = found["Nodes"].as_array().is_some_and(|nodes| !nodes.is_empty());
    Ok(any.then_some(found))
}

/// Executes a query of another datacenter, which found nothing there.
pub async fn execute(call: Call) -> Answered {
    let query = call.json::<PreparedQuery>()?.into_model(PreparedQueryId::nil())?;
    let reply = call.read(&ExecuteGiven(query)).await?;
    let answer = call.json_answer(&executed(&call, &reply.value)?)?;
    Ok(call.read_headers(&reply, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_asked_first_and_nobody_twice() {
        let names =
            |names: &[&str]| names.iter().map(|name| Datacenter::new(name).unwrap()).collect::<Vec<_>>();
        let known = names(&["dc1", "dc2", "dc3", "dc4"]);
        let table: [(u32, &[&str], &[&str]); 5] = [
            (0, &[], &[]),
            (2, &[], &["dc2", "dc3"]),
            (0, &["dc4", "dc1", "dc9"], &["dc4", "dc9"]),
            (1, &["dc3", "dc2"], &["dc2", "dc3"]),
            (9, &["a/b"], &["dc2", "dc3", "dc4"]),
        ];
        for (nearest, named, wanted) in table {
            let datacenters = named.iter().map(ToString::to_string).collect();
            let found = order(&QueryFailover { nearest, datacenters }, &known[0], &known);
            assert_eq!(found, names(wanted), "{nearest} {named:?}");
        }
    }
}
