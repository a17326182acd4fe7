use super::super::node::Node;
use super::super::upgrade;
use super::api::Api;
use super::scene::{Scene, eventually};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::time::Instant;

/// Where what echoes listens, and where the mesh leads there from.
const ECHO: u16 = 9003;
const UPSTREAM: u16 = 12001;

/// Servers first, the leader last of them, then the clients: writes go on, and so does a connection of the mesh between
/// the clients, until its own agents are exchanged.
pub fn upgrade(scene: &mut Scene<'_>) -> Result<Vec<String>> {
    let talk = Talk::begin(scene)?;
    let leader = scene.leader()?;
    let mut servers: Vec<&Node> = scene.servers().filter(|server| *server != leader).collect();
    servers.push(leader);
    let clients: Vec<&Node> = scene.lab.nodes.iter().filter(|node| !node.is_server()).collect();
    let (mut told, began) = (vec![builds(scene, leader)?], Instant::now());
    for server in servers {
        told.push(exchange(scene, server)?);
        talk.goes_on(scene)?;
    }
    let lines = talk.unbroken(scene)?;
    let seconds = began.elapsed().as_secs_f64();
    told.push(format!("one connection of the mesh lasted through it: {lines} lines, {seconds:.0} s"));
    for client in clients {
        let began = Instant::now();
        let said = exchange(scene, client)?;
        let again = talk.again(scene, began)?;
        told.push(format!("{said}; the mesh carried lines again after {again:.1} s at most"));
    }
    scene.lab.smoke()?;
    Ok(told)
}

fn builds(scene: &Scene<'_>, node: &Node) -> Result<String> {
    let old = upgrade::running(&scene.lab.network, node)?;
    if old == scene.next.hash {
        bail!("the machines run what they are to be upgraded to: give --upgrade another build");
    }
    Ok(format!("from the build {}… to {}…", &old[..12], &scene.next.hash[..12]))
}

/// One machine gets the binary; what there is to tell of it once it is well.
fn exchange(scene: &Scene<'_>, node: &Node) -> Result<String> {
    let began = Instant::now();
    upgrade::run(&scene.lab.network, node, &scene.next)?;
    eventually(&format!("{} runs the other build", node.name), || {
        let hash = upgrade::running(&scene.lab.network, node)?;
        if hash == scene.next.hash { Ok(()) } else { bail!("it runs {hash}") }
    })?;
    scene.follows(node)?;
    eventually("the servers are healthy", || {
        let health = Api::of(scene.other_server(node)?).get("/v1/operator/autopilot/health")?;
        if health["Healthy"] == true { Ok(()) } else { bail!("autopilot says {health}") }
    })?;
    let well = began.elapsed().as_secs_f64();
    scene.writes_go_on()?;
    let gap = scene.writer.gap_since(began).as_secs_f64();
    let count = scene.writer.check(Api::of(node))?;
    let name = &node.name;
    Ok(format!("{name}: well after {well:.1} s, no write for {gap:.1} s at most, all {count} are there"))
}

/// A program on one client's machine that talks through the mesh with one on the other's.
struct Talk<'a> {
    from: &'a Node,
    /// The number of the connection that it talks over.
    connection: u64,
}

impl<'a> Talk<'a> {
    fn begin(scene: &Scene<'a>) -> Result<Self> {
        let (to, from) = (scene.client_with("api")?, scene.client_with("web")?);
        scene.shell(to, &format!("setsid nc -ll -p {ECHO} -e cat >/dev/null 2>&1 </dev/null &"))?;
        let echo = json!({"Name": "echo", "Port": ECHO, "Connect": {"SidecarService": {}}});
        let upstreams = json!([{"DestinationName": "echo", "LocalBindPort": UPSTREAM}]);
        let proxy = json!({"SidecarService": {"Proxy": {"Upstreams": upstreams}}});
        let talker = json!({"Name": "talker", "Connect": proxy});
        for (node, service) in [(to, echo), (from, talker)] {
            Api::of(node).ask("PUT", "/v1/agent/service/register", &service.to_string())?;
        }
        scene.shell(from, &format!("setsid talk.sh {UPSTREAM} >/dev/null 2>&1 </dev/null &"))?;
        let (connection, _) = eventually("talker talks with echo", || last_line(scene, from))?;
        Ok(Self { from, connection })
    }

    /// More lines come back, over the same connection.
    fn goes_on(&self, scene: &Scene<'_>) -> Result<()> {
        let before = self.unbroken(scene)?;
        eventually("talker hears more", || {
            let now = self.unbroken(scene)?;
            if now > before { Ok(()) } else { bail!("it has heard {now} lines") }
        })
    }

    /// How many lines came back over the connection that is still the first one.
    fn unbroken(&self, scene: &Scene<'_>) -> Result<u64> {
        let (connection, line) = last_line(scene, self.from)?;
        if connection != self.connection {
            bail!("connection {} broke, and {connection} took its place", self.connection);
        }
        Ok(line)
    }

    /// Seconds since then until lines come back, over whichever connection.
    fn again(&self, scene: &Scene<'_>, since: Instant) -> Result<f64> {
        let count = || -> Result<u64> {
            scene.shell(self.from, "wc -l </tmp/talk")?.trim().parse().context("wc says a number")
        };
        let before = count()?;
        eventually("talker hears something again", || {
            if count()? > before { Ok(()) } else { bail!("it has heard {before} lines") }
        })?;
        Ok(since.elapsed().as_secs_f64())
    }
}

/// The number of a connection and of the line that came back over it last.
fn last_line(scene: &Scene<'_>, node: &Node) -> Result<(u64, u64)> {
    let said = scene.shell(node, "tail -n 1 /tmp/talk")?;
    let numbers: Vec<u64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [connection, line] => Ok((connection, line)),
        _ => bail!("found {said:?}, want a connection's number and a line's"),
    }
}
