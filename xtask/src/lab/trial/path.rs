use super::super::node::Node;
use super::api::Api;
use super::scene::Scene;
use anyhow::{Result, bail};
use serde_json::json;
use std::time::Instant;

const REACHED: &str = "timeout 20 wget -q -O - http://web.virtual.consul/ 2>/dev/null";

/// The kernel's word for what an intention forbids; who is no service yet is refused otherwise.
const DENIED: &str = "timeout 20 wget -q -O - http://web.virtual.consul/ 2>&1 | grep \"not permitted\"";

/// Asks again for a while: the agent hears once a second of whom `mesh run` has started.
const PATIENTLY: &str =
    "tries=0; until ask; do tries=$((tries + 1)); [ $tries -lt 90 ] || exit 1; sleep 1; done";

/// A service on one client's machine reaches one on the other's by its virtual address, which only the kernel's
/// programs can make of it, and not where an intention forbids it.
pub fn between_clients(scene: &mut Scene<'_>) -> Result<Vec<String>> {
    let (here, there) = (scene.client_with("api")?, scene.client_with("web")?);
    let told = scene.shell(here, "mesh dataplane status")?;
    let mode = told.lines().next().unwrap_or_default().trim().to_owned();
    Api::of(here).ask("PUT", "/v1/agent/service/register", &json!({"Name": "caller"}).to_string())?;
    let began = Instant::now();
    let heard = call(scene, here, REACHED)?;
    let reached = began.elapsed().as_secs_f64();
    if heard.trim() != format!("hello from web on {}", there.name) {
        bail!("caller heard {heard:?}");
    }
    let began = Instant::now();
    scene.shell(here, "mesh intention create -deny caller web")?;
    let refused = call(scene, here, DENIED)?;
    let denied = began.elapsed().as_secs_f64();
    scene.shell(here, "mesh intention delete caller web")?;
    call(scene, here, REACHED)?;
    Ok(vec![
        format!("{}: {mode}", here.name),
        format!("caller on {} reached web on {} after {reached:.1} s", here.name, there.name),
        format!("an intention denied it, seen after {denied:.1} s: {}", refused.trim()),
        "without the intention it reached web again".to_owned(),
    ])
}

/// Runs a program as the service `caller` that asks until it is answered like this; what it said at last.
fn call(scene: &Scene<'_>, node: &Node, ask: &str) -> Result<String> {
    let script = format!("ask() {{ {ask}; }}; {PATIENTLY}");
    scene.shell(node, &format!("mesh run -service=caller -- sh -c '{script}'"))
}
