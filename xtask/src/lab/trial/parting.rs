use super::super::node::Node;
use super::api::Api;
use super::scene::{Scene, eventually};
use anyhow::{Context, Result, bail};
use std::time::Instant;

/// The leader hears nobody: the others go on, and it says neither yes nor anything old.
pub fn leader(scene: &mut Scene<'_>) -> Result<Vec<String>> {
    let leader = scene.leader()?;
    let began = Instant::now();
    scene.lab.network.part(leader)?;
    let next = scene.successor(leader)?;
    let known = began.elapsed().as_secs_f64();
    scene.writes_go_on()?;
    let gap = scene.writer.gap_since(began).as_secs_f64();
    let refused = stays_silent(leader)?;
    let began = Instant::now();
    scene.lab.network.join(leader)?;
    scene.follows(leader)?;
    scene.leader()?;
    let back = began.elapsed().as_secs_f64();
    let count = scene.writer.check(Api::of(leader))?;
    Ok(vec![
        format!("{} led; {} was seen to lead {known:.1} s after it was cut off", leader.name, next.name),
        format!("no write was acknowledged for {gap:.1} s"),
        format!("meanwhile {} said to a write and to a consistent read: {refused}", leader.name),
        format!("it followed {back:.1} s after it was joined again; all {count} writes are there"),
    ])
}

/// What a server that is alone says to a write and to a consistent read.
fn stays_silent(server: &Node) -> Result<String> {
    let mut said = Vec::new();
    for (method, path) in [("PUT", "/v1/kv/alone"), ("GET", "/v1/kv/alone?consistent")] {
        match Api::of(server).call(method, path, "alone") {
            Ok(answer) if matches!(answer.status, 200 | 404) => {
                bail!("{}, which is alone, answers {method} {path}: {}", server.name, answer.excerpt());
            }
            Ok(answer) => said.push(answer.excerpt()),
            Err(_) => said.push("nothing in 15 s".to_owned()),
        }
    }
    Ok(said.join("; "))
}

/// A client hears nobody: it counts as dead, still knows what it knew, and is itself again once it hears.
pub fn client(scene: &mut Scene<'_>) -> Result<Vec<String>> {
    let client = scene.client_with("web")?;
    let server = scene.leader()?;
    let began = Instant::now();
    scene.lab.network.part(client)?;
    eventually("the client counts as dead", || {
        let status = alive(server, client)?;
        if status == "critical" { Ok(()) } else { bail!("it is {status}") }
    })?;
    let dead = began.elapsed().as_secs_f64();
    let told = scene.shell(client, "nslookup -type=a -port=8600 api.service.consul 127.0.0.1")?;
    let other = scene.client_with("api")?;
    if !told.contains(&other.address.to_string()) {
        bail!("{}, which is alone, does not know any more where api is: {told}", client.name);
    }
    let began = Instant::now();
    scene.lab.network.join(client)?;
    scene.follows(client)?;
    let back = began.elapsed().as_secs_f64();
    eventually("web reaches api again", || {
        scene.shell(client, "timeout 10 wget -q -O - http://127.0.0.1:12000/")
    })?;
    let reached = began.elapsed().as_secs_f64();
    Ok(vec![
        format!("{} counted as dead {dead:.1} s after it was cut off", client.name),
        "meanwhile it still knew by DNS where api is".to_owned(),
        format!("joined again, it was alive after {back:.1} s, and web reached api after {reached:.1} s"),
    ])
}

/// The client's serfHealth, as this server has it.
fn alive(server: &Node, client: &Node) -> Result<String> {
    let checks = Api::of(server).get(&format!("/v1/health/node/{}?stale", client.name))?;
    let checks = checks.as_array().context("checks are a list")?;
    let alive = checks.iter().find(|check| check["CheckID"] == "serfHealth");
    let status = alive.and_then(|check| check["Status"].as_str());
    Ok(status.context("there is no serfHealth")?.to_owned())
}
