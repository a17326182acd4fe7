use super::fields;
use super::instances::instances;
use super::nearest::nearest_first;
use crate::catalog::Reply;
use crate::filter::Filter;
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::model::{Node, NodeName, NodeService};
use crate::state::{GetNode, ListNodes, NodeView, Query, State, Through, Topic};
use crate::wire;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub async fn datacenters(call: Call) -> Answered {
    let known = call.deps.elsewhere.datacenters();
    if known.is_empty() { call.json_answer(&[&call.deps.facts.datacenter]) } else { call.json_answer(&known) }
}

pub async fn nodes(call: Call) -> Answered {
    let filter = call.filter(&fields::NODE)?;
    let reply = call.read(&ListNodes).await?;
    let nodes = reply.map(|mut nodes| {
        nodes.retain(|node| call.sees_node(&node.name) && call.options.wants_node(&node.meta));
        nearest_first(&call, &mut nodes, |node| &node.name);
        nodes.iter().map(|node| wire::Node::from(&**node)).collect::<Vec<_>>()
    });
    call.read_answer(&nodes, filter.as_ref())
}

/// Every service name with the tags of its instances.
pub async fn services(call: Call) -> Answered {
    let filter = call.filter(&fields::CATALOG_SERVICE)?;
    let reply = call.read(&AllInstances).await?;
    let names = reply.map(|instances| {
        let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (node, service) in instances {
            if lists(&call, &node, &service, filter.as_ref()) {
                names.entry(service.name.to_string()).or_default().extend(service.tags.iter().cloned());
            }
        }
        names
    });
    call.read_answer(&names, None)
}

fn lists(call: &Call, node: &Node, service: &NodeService, filter: Option<&Filter>) -> bool {
    let passes = |filter: &Filter| {
        serde_json::to_value(wire::CatalogService::new(node, service)).is_ok_and(|value| filter.keeps(&value))
    };
    call.sees_service(&service.name) && call.options.wants_node(&node.meta) && filter.is_none_or(passes)
}

/// Every instance with its node.
struct AllInstances;

impl Query for AllInstances {
    type Output = Vec<(Arc<Node>, Arc<NodeService>)>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Nodes, Topic::Services]
    }
    fn run(&self, state: &State) -> Self::Output {
        let views = ListNodes.run(state).into_iter().filter_map(|node| GetNode(node.name.clone()).run(state));
        views.flat_map(|view| view.services.into_iter().map(move |s| (view.node.clone(), s))).collect()
    }
}

pub async fn service(call: Call) -> Answered {
    instances_through(&call, Through::Direct).await
}

pub async fn connect(call: Call) -> Answered {
    instances_through(&call, Through::Mesh).await
}

async fn instances_through(call: &Call, through: Through) -> Answered {
    let filter = call.filter(&fields::CATALOG_SERVICE)?;
    let reply = instances(call, through).await?;
    let shown = reply
        .map(|list| list.iter().map(|i| wire::CatalogService::new(&i.node, &i.service)).collect::<Vec<_>>());
    call.read_answer(&shown, filter.as_ref())
}

/// A node that does not exist is `null`, as in Consul.
pub async fn node(call: Call) -> Answered {
    let filter = call.filter(&fields::SERVICE)?;
    let shown = view(&call).await?.map(|view| match view {
        None => Value::Null,
        Some(view) => {
            let by_id = view.services.iter().map(|s| (s.id.to_string(), json!(wire::Service::from(&**s))));
            json!({"Node": wire::Node::from(&*view.node), "Services": kept(by_id.collect(), filter.as_ref())})
        }
    });
    call.read_answer(&shown, None)
}

pub async fn node_services(call: Call) -> Answered {
    let filter = call.filter(&fields::SERVICE)?;
    let shown = view(&call).await?.map(|view| match view {
        None => json!({"Node": null, "Services": []}),
        Some(view) => {
            let list = view.services.iter().map(|s| json!(wire::Service::from(&**s)));
            json!({"Node": wire::Node::from(&*view.node), "Services": kept(list.collect(), filter.as_ref())})
        }
    });
    call.read_answer(&shown, None)
}

/// What is on the node in the path, as far as the caller may see it.
async fn view(call: &Call) -> Result<Reply<Option<NodeView>>, ApiError> {
    let name = NodeName::new(call.named("node name")?)?;
    let reply = call.read(&GetNode(name)).await?;
    Ok(reply.map(|view| {
        view.filter(|view| call.sees_node(&view.node.name)).map(|mut view| {
            view.services.retain(|service| call.sees_service(&service.name));
            view
        })
    }))
}

fn kept(services: Value, filter: Option<&Filter>) -> Value {
    match filter {
        Some(filter) => filter.retain(services),
        None => services,
    }
}
