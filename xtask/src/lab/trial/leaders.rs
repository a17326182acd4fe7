use super::super::machine::Machine;
use super::api::Api;
use super::rebooting::node_id;
use super::scene::Scene;
use anyhow::{Result, bail};
use std::time::Instant;

/// The leader's power is cut; another leads, and it comes back as a follower that it was.
pub fn dies(scene: &mut Scene<'_>) -> Result<Vec<String>> {
    let leader = scene.leader()?;
    let id = node_id(leader)?;
    let began = Instant::now();
    Machine { node: leader }.kill()?;
    let next = scene.successor(leader)?;
    let known = began.elapsed().as_secs_f64();
    scene.writes_go_on()?;
    let gap = scene.writer.gap_since(began).as_secs_f64();
    let count = scene.writer.check(Api::of(next))?;
    let began = Instant::now();
    scene.lab.up(std::slice::from_ref(leader))?;
    scene.follows(leader)?;
    let back = began.elapsed().as_secs_f64();
    if node_id(leader)? != id {
        bail!("{} has come back as another node: its data is lost", leader.name);
    }
    scene.writer.check(Api::of(leader))?;
    Ok(vec![
        format!("{} led; {} was seen to lead {known:.1} s after it was killed", leader.name, next.name),
        format!("no write was acknowledged for {gap:.1} s; all {count} that were are there"),
        format!("{} came back with its data, and followed {back:.1} s after its power came", leader.name),
    ])
}
