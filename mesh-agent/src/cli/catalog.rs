//! `catalog datacenters|nodes|services`.

use super::call::Call;
use super::client::{CatalogNode, Query};
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use super::table::{row, table};
use std::collections::BTreeMap;

pub(super) const GROUP: Command = Command::group(
    "catalog",
    "Reads the catalog of nodes and services",
    "Reads the catalog: every node and service of a datacenter. What one agent itself has registered is under \
     \"services\".",
);

pub(super) const DATACENTERS: Command = Command {
    path: "catalog datacenters",
    synopsis: "Lists the datacenters that are known",
    arguments: "",
    about: "Lists the datacenters that are known, one on a line.",
    flags: &[],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(datacenters(call))),
};

const NODE_META: Flag =
    Flag::value("node-meta", "key=value", "Only nodes with this metadata. May be given several times.");

pub(super) const NODES: Command = Command {
    path: "catalog nodes",
    synopsis: "Lists the nodes of a datacenter",
    arguments: "",
    about: "Lists the nodes of a datacenter, or those that have one service:\n\n      $ mesh catalog nodes -service=web",
    flags: &[
        Flag::switch("detailed", "Show whole ids, all addresses and metadata."),
        Flag::value("filter", "expression", "Only nodes for which the expression is true."),
        Flag::value("near", "node", "Nearest to this node first; _agent is the agent's own."),
        NODE_META,
        Flag::value("service", "name", "Only nodes that have this service."),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(nodes(call))),
};

pub(super) const SERVICES: Command = Command {
    path: "catalog services",
    synopsis: "Lists the services of a datacenter",
    arguments: "",
    about: "Lists the services of a datacenter, or those of one node:\n\n      $ mesh catalog services -node=host-1",
    flags: &[
        Flag::value("node", "name", "Only services of this node."),
        NODE_META,
        Flag::switch("tags", "Show the tags beside each service."),
    ],
    api: Api::Servers,
    misuse: 1,
    action: Action::Run(|call| Box::pin(services(call))),
};

/// For standard error: on standard output it would be taken for a node. It is no failure.
const NO_NODES: &str = "No nodes match the given query - try expanding your search.";
const NO_SERVICES: &str = "No services match the given query - try expanding your search.";

async fn datacenters(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let names = call.client()?.datacenters().await.or_fail("Error listing datacenters")?;
    Ok(names.join("\n"))
}

async fn nodes(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let query = with_node_meta(call, call.query())?
        .with_some("near", call.matches.value("near"))
        .with_some("filter", call.matches.value("filter"));
    let client = call.client()?;
    let nodes = match call.matches.value("service") {
        None => client.nodes(&query).await,
        Some(service) => client.service_nodes(service, &query).await,
    };
    let nodes = one_of_each(nodes.or_fail("Error listing nodes")?);
    if nodes.is_empty() {
        return Err(Failure::with_status(0, NO_NODES));
    }
    Ok(table(&if call.matches.is_on("detailed") { detailed(&nodes) } else { standard(&nodes) }))
}

/// A node with two instances of a service is one node.
fn one_of_each(mut nodes: Vec<CatalogNode>) -> Vec<CatalogNode> {
    let mut seen = std::collections::BTreeSet::new();
    nodes.retain(|node| seen.insert(node.node.clone()));
    nodes
}

fn standard(nodes: &[CatalogNode]) -> Vec<Vec<String>> {
    let short = |id: &str| id.split('-').next().unwrap_or_default().to_owned();
    let line = |node: &CatalogNode| row([&node.node, &short(&node.id), &node.address, &node.datacenter]);
    std::iter::once(row(["Node", "ID", "Address", "DC"])).chain(nodes.iter().map(line)).collect()
}

fn detailed(nodes: &[CatalogNode]) -> Vec<Vec<String>> {
    let head = row(["Node", "ID", "Address", "DC", "TaggedAddresses", "Meta"]);
    let line = |node: &CatalogNode| {
        let meta = node.meta.as_ref().or(node.node_meta.as_ref());
        let tagged = pairs(node.tagged_addresses.as_ref());
        row([&node.node, &node.id, &node.address, &node.datacenter, &tagged, &pairs(meta)])
    };
    std::iter::once(head).chain(nodes.iter().map(line)).collect()
}

fn pairs(map: Option<&BTreeMap<String, String>>) -> String {
    let pairs = map.into_iter().flatten().map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join(", ")
}

async fn services(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let query = with_node_meta(call, call.query())?;
    let client = call.client()?;
    let found = match call.matches.value("node") {
        None => client.services(&query).await,
        Some(node) => client.services_of_node(node, &query).await,
    };
    let found = found.or_fail("Error listing services")?;
    if found.is_empty() {
        return Err(Failure::with_status(0, NO_SERVICES));
    }
    let names = || found.keys().cloned().collect::<Vec<_>>().join("\n");
    Ok(if call.matches.is_on("tags") { with_tags(&found) } else { names() })
}

fn with_tags(services: &BTreeMap<String, Vec<String>>) -> String {
    let line = |(name, tags): (&String, &Vec<String>)| {
        let mut tags = tags.clone();
        tags.sort();
        row([name, &tags.join(",")])
    };
    table(&services.iter().map(line).collect::<Vec<_>>())
}

fn with_node_meta(call: &Call, query: Query) -> Result<Query, Failure> {
    let pairs = call.pairs("node-meta")?;
    Ok(pairs.into_iter().fold(query, |query, (key, value)| query.with("node-meta", format!("{key}:{value}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_listed_once_and_their_ids_cut() {
        let node = CatalogNode {
            id: "b127e6cd-9a41-51c6-5c4f-0766d7d5f755".to_owned(),
            node: "vm".to_owned(),
            address: "127.0.0.1".to_owned(),
            datacenter: "dc1".to_owned(),
            ..CatalogNode::default()
        };
        let nodes = one_of_each(vec![node.clone(), node]);
        assert_eq!(table(&standard(&nodes)), "Node  ID        Address    DC\nvm    b127e6cd  127.0.0.1  dc1");
    }
}
