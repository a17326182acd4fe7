//! Commands that an operator has several nodes run.

use mesh_tests::cluster::{TestCluster, TestServer};
use mesh_tests::wait::eventually;
use mesh_tests::{Process, binary, peers, skip};
use nix::sys::signal::Signal;
use serde_json::json;
use std::path::Path;
use std::process::Command;

const ALLOWED: &str = "-hcl=disable_remote_exec = false";

/// A server, and two client agents, of which the second has a service.
fn cluster(allowed: &[&str]) -> TestCluster {
    let mut cluster = TestCluster::empty(1);
    cluster.add(allowed);
    cluster.wait_for_leader();
    for _ in 0..2 {
        cluster.add(&[&["-server=false"], allowed].concat());
    }
    for server in &cluster.servers {
        for other in &cluster.servers {
            server.wait_for_node(&other.name);
        }
    }
    let web = json!({"Name": "web", "Tags": ["v1"], "Port": 80}).to_string();
    let registered = cluster.servers[2].request("PUT", "/v1/agent/service/register", web.as_bytes());
    assert_eq!(registered.status, 200, "{}", registered.body);
    for server in &cluster.servers {
        eventually(&format!("{} sees all members", server.name), || {
            let members = server.try_request("GET", "/v1/agent/members", b"")?.json();
            (members.as_array()?.len() == 3).then_some(())
        });
    }
    cluster
}

/// What it prints, and its status.
fn exec(server: &TestServer, arguments: &[&str]) -> (Vec<String>, i32) {
    let output = server.mesh(&[&["exec"], arguments].concat());
    let mut lines: Vec<String> = output.stdout.lines().map(str::to_owned).collect();
    lines.sort();
    (lines, output.status.unwrap_or_else(|| panic!("{}", output.stderr)))
}

fn values(server: &TestServer) -> u16 {
    server.request("GET", "/v1/kv/_rexec?recurse", b"").status
}

#[test]
fn a_command_runs_on_all_nodes_or_on_those_that_the_filters_fit() {
    let cluster = cluster(&[ALLOWED]);
    let agent = &cluster.servers[1];
    let (lines, status) = exec(agent, &["echo", "hello $((1+1))"]);
    let all = [
        "    s0: hello 2",
        "    s1: hello 2",
        "    s2: hello 2",
        "3 / 3 node(s) completed / acknowledged",
        "==> s0: finished with exit code 0",
        "==> s1: finished with exit code 0",
        "==> s2: finished with exit code 0",
    ];
    assert_eq!((lines, status), (all.map(str::to_owned).to_vec(), 0));
    for (flags, node) in [(["-node=^s1$", "-verbose"], "s1"), (["-service=web", "-tag=v1"], "s2")] {
        let (lines, status) =
            exec(agent, &[flags[0], flags[1], "-shell=false", "sh", "-c", "echo it; exit 3"]);
        assert_eq!(status, 2, "{flags:?}: {lines:?}");
        assert!(lines.contains(&format!("    {node}: it")), "{flags:?}: {lines:?}");
        assert!(lines.contains(&format!("==> {node}: finished with exit code 3")), "{flags:?}: {lines:?}");
        assert!(lines.contains(&"1 / 1 node(s) completed / acknowledged".to_owned()), "{lines:?}");
    }
    assert_eq!(exec(agent, &["-service=none", "true"]).0, ["0 / 0 node(s) completed / acknowledged"]);
    // One that is silent for longer than the wait is waited for.
    let (lines, _) = exec(agent, &["-node=s0", "-wait=1s", "sleep 4; echo late"]);
    assert!(lines.contains(&"    s0: late".to_owned()), "{lines:?}");
    assert_eq!(values(agent), 404, "nothing is left behind");
    for (arguments, wrong) in [
        (&["-tag=v1", "true"][..], "tag filter without service"),
        (&[], "Must specify a command"),
        (&["-"], "Must specify"),
    ] {
        let refused = agent.mesh(&[&["exec"], arguments].concat());
        assert!(refused.status == Some(1) && refused.stderr.contains(wrong), "{}", refused.stderr);
    }
}

/// Starts it, and waits until a file holds the number of a process that it has started.
fn start(server: &TestServer, directory: &Path) -> (Process, String) {
    let file = directory.join("pid");
    let mut command = Command::new(binary::mesh());
    command.env("CONSUL_HTTP_ADDR", server.http().to_string());
    let line = format!("sleep 1000 & echo $! > {}; wait", file.display());
    command.args(["exec", "-node=s2", &line]);
    let process = Process::start(command, &directory.join("exec.log"));
    let pid = eventually("the command runs", || {
        std::fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'))
    });
    (process, pid.trim().to_owned())
}

fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

#[test]
fn what_still_runs_is_killed_when_whoever_has_ordered_it_goes() {
    let cluster = cluster(&[ALLOWED]);
    for (name, signal) in [("interrupted", Signal::SIGINT), ("killed", Signal::SIGKILL)] {
        let directory = cluster.directory().join(name);
        std::fs::create_dir(&directory).unwrap();
        let (process, pid) = start(&cluster.servers[0], &directory);
        assert!(runs(&pid));
        process.signal(signal);
        eventually(&format!("{name}: it is killed"), || (!runs(&pid)).then_some(()));
    }
    eventually("its session has ended and nothing is left behind", || {
        (values(&cluster.servers[0]) == 404).then_some(())
    });
}

#[test]
fn nobody_runs_anything_where_it_is_not_allowed() {
    let cluster = cluster(&[]);
    let (lines, status) = exec(&cluster.servers[0], &["echo", "no"]);
    assert_eq!((lines, status), (vec!["0 / 0 node(s) completed / acknowledged".to_owned()], 0));
    for server in &cluster.servers {
        let log = server.log();
        assert!(log.contains("a remote command is ignored"), "{log}");
    }
    let listed = cluster.servers[0].request("GET", "/v1/event/list", b"");
    assert_eq!(listed.body.trim(), "[]", "it is no event that is shown");
}

#[test]
fn consuls_own_command_is_carried_out() {
    let consul = match peers::consul() {
        Ok(path) => path,
        Err(reason) => return skip("exec: Consul's own command", reason),
    };
    let cluster = cluster(&[ALLOWED]);
    let mut command = Command::new(consul);
    command.env("CONSUL_HTTP_ADDR", cluster.servers[0].http().to_string());
    let output = mesh_tests::run(command.args(["exec", "echo", "hello"]));
    let text = output.success();
    assert!(text.contains("3 / 3 node(s) completed / acknowledged"), "{text}");
    for node in ["s0", "s1", "s2"] {
        assert!(text.contains(&format!("{node}: hello")), "{text}");
    }
}
