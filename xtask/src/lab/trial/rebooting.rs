use super::super::machine::Machine;
use super::super::node::Node;
use super::api::Api;
use super::scene::{Scene, eventually};
use anyhow::{Context, Result, bail};
use std::time::Instant;

/// The power of all machines is cut at once, and comes back.
pub fn all(scene: &mut Scene<'_>) -> Result<Vec<String>> {
    let nodes = &scene.lab.nodes;
    let ids = nodes.iter().map(node_id).collect::<Result<Vec<_>>>()?;
    let before = scene.writer.count();
    let began = Instant::now();
    for node in nodes {
        Machine { node }.kill()?;
    }
    scene.lab.up(nodes)?;
    let leader = scene.leader()?;
    let led = began.elapsed().as_secs_f64();
    scene.writes_go_on()?;
    let gap = scene.writer.gap_since(began).as_secs_f64();
    let count = scene.writer.check(Api::of(leader))?;
    if count < before {
        bail!("the writer has forgotten {} writes", before - count);
    }
    for (node, id) in nodes.iter().zip(ids) {
        let found = eventually("the agent tells who it is", || node_id(node))?;
        if found != id {
            bail!("{} has come back as another node: its data is lost", node.name);
        }
    }
    scene.lab.smoke()?;
    Ok(vec![
        format!("all {} machines were killed; {} led {led:.1} s later", nodes.len(), leader.name),
        format!("no write was acknowledged for {gap:.1} s; all {count} that ever were are there"),
        "every machine is the node that it was, and the smoke test is passed again".to_owned(),
    ])
}

/// It is in the machine's data directory.
pub fn node_id(node: &Node) -> Result<String> {
    let told = Api::of(node).get("/v1/agent/self")?;
    let id = told["Config"]["NodeID"].as_str().filter(|id| !id.is_empty());
    Ok(id.with_context(|| format!("{} does not say who it is", node.name))?.to_owned())
}
