//! Who waits is told, and costs nothing meanwhile.

use mesh_tests::wait::pause_for;
use mesh_tests::{TestAgent, binary, eventually, peers, skip};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

fn programs(test: &str) -> Vec<&'static Path> {
    let mut programs = vec![binary::mesh()];
    match peers::consul() {
        Ok(consul) => programs.push(consul),
        Err(reason) => skip(test, reason),
    }
    programs
}

#[test]
fn a_handler_is_run_with_what_has_changed() {
    for program in programs("a_handler_is_run_with_what_has_changed") {
        let agent = TestAgent::start();
        let seen = agent.directory().join("seen");
        let handler = format!("cat >> {}", seen.display());
        let _watch =
            agent.start_client(program, &["watch", "-type=key", "-key=web/port", &handler], "watch.log");
        let text = || std::fs::read_to_string(&seen).unwrap_or_default();
        for value in ["8080", "9090"] {
            agent.mesh(&["kv", "put", "web/port", value]).success();
            let encoded = json!(if value == "8080" { "ODA4MA==" } else { "OTA5MA==" }).to_string();
            eventually("the handler has the value", || text().contains(&encoded).then_some(()));
        }
        agent.mesh(&["kv", "put", "web/other", "x"]).success();
        agent.mesh(&["kv", "delete", "web/port"]).success();
        eventually("the handler is told that it is gone", || text().trim().ends_with("null").then_some(()));
        assert!(!text().contains("web/other"), "{}", text());
    }
}

#[test]
fn a_watch_without_a_handler_shows_what_there_is() {
    let agent = TestAgent::start();
    agent.mesh(&["kv", "put", "app/a", "1"]).success();
    agent.register(&json!({"Name": "web", "Port": 80}));
    agent.wait_for_passing("web", 1);
    for (arguments, pointer, want) in [
        (vec!["-type=key", "-key=app/a"], "/Value", json!("MQ==")),
        (vec!["-type=keyprefix", "-prefix=app/"], "/0/Key", json!("app/a")),
        (vec!["-type=services"], "/web", json!([])),
        (vec!["-type=nodes"], "/0/Node", json!("test-node")),
        (vec!["-type=service", "-service=web"], "/0/Service/Port", json!(80)),
        (vec!["-type=checks", "-state=passing"], "/0/Status", json!("passing")),
        (vec!["-type=connect_roots"], "/Roots/0/Active", json!(true)),
        (vec!["-type=connect_leaf", "-service=web"], "/Service", json!("web")),
        (vec!["-type=agent_service", "-service-id=web"], "/Service", json!("web")),
    ] {
        let shown = agent.mesh(&[&["watch"][..], &arguments].concat()).success();
        let shown: Value = serde_json::from_str(&shown).unwrap_or_else(|e| panic!("{e}: {shown}"));
        assert_eq!(shown.pointer(pointer), Some(&want), "{arguments:?}: {shown}");
    }
    let unknown = agent.mesh(&["watch", "-type=moon"]);
    assert_eq!((unknown.status, unknown.stderr.trim()), (Some(1), "Unsupported watch type: moon"));
}

#[test]
fn an_event_reaches_the_watches_of_both_programs() {
    let programs = programs("an_event_reaches_the_watches_of_both_programs");
    let agent = TestAgent::start();
    agent.mesh(&["event", "-name=deploy", "before"]).success();
    let seen: Vec<_> = (0..programs.len()).map(|at| agent.directory().join(format!("seen-{at}"))).collect();
    let mut watches = Vec::new();
    for (program, seen) in programs.iter().zip(&seen) {
        let handler = format!("cat >> {}", seen.display());
        let arguments = ["watch", "-type=event", "-name=deploy", &handler];
        watches.push(agent.start_client(program, &arguments, "watch.log"));
    }
    for (program, payload, encoded) in
        programs.iter().zip(["v1", "v2"]).zip(["djE=", "djI="]).map(|((a, b), c)| (a, b, c))
    {
        // A watch that has just begun takes what is there for old: it is told again until it hears.
        eventually("every watch has heard of the event", || {
            let fired =
                mesh_tests::run(agent.client_command(program).args(["event", "-name=deploy", payload]));
            assert!(fired.success().starts_with("Event ID: "));
            let heard = |path: &std::path::PathBuf| {
                std::fs::read_to_string(path).unwrap_or_default().contains(encoded)
            };
            seen.iter().all(heard).then_some(())
        });
    }
    let ours = std::fs::read_to_string(&seen[0]).unwrap();
    assert!(!ours.contains("YmVmb3Jl"), "what was fired before the watch is over: {ours}");
}

/// Takes one request, and says what it was.
fn received(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    let whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).into_owned();
        text.ends_with('}') || text.ends_with("null")
    };
    while !whole(&request) {
        match stream.read(&mut part).unwrap() {
            0 => break,
            count => request.extend(&part[..count]),
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    String::from_utf8_lossy(&request).into_owned()
}

#[test]
fn configured_watches_begin_with_a_reload_and_tell_a_program_and_an_address() {
    let agent = TestAgent::start();
    let seen = agent.directory().join("seen");
    let sink = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?x=y", sink.local_addr().unwrap());
    let tee = ["sh", "-c", &format!("cat >> {}", seen.display())].map(str::to_owned);
    agent.write_config(
        "20-watches.json",
        &json!({"watches": [
            {"type": "key", "key": "web/port", "args": tee},
            {"type": "key", "key": "web/port", "handler_type": "http",
             "http_handler_config": {"path": url, "method": "PUT", "header": {"x-mark": ["here"]}}},
        ]}),
    );
    agent.mesh(&["reload"]).success();
    assert!(received(&sink).ends_with("null"), "it is told at once that there is no such key");
    agent.mesh(&["kv", "put", "web/port", "8080"]).success();
    let request = received(&sink);
    let lower = request.to_ascii_lowercase();
    assert!(request.starts_with("PUT /hook?x=y HTTP/1.1") && request.contains("\"ODA4MA==\""), "{request}");
    assert!(lower.contains("x-mark: here") && lower.contains("x-consul-index: "), "{request}");
    let text = || std::fs::read_to_string(&seen).unwrap_or_default();
    eventually("the program has the value", || text().contains("ODA4MA==").then_some(()));

    agent.write_config("20-watches.json", &json!({"watches": [{"type": "moon", "args": ["true"]}]}));
    let refused = agent.mesh(&["reload"]);
    assert!(refused.stderr.contains("Unsupported watch type: moon"), "{}", refused.stderr);
    agent.mesh(&["kv", "put", "web/port", "9090"]).success();
    assert!(received(&sink).contains("OTA5MA=="), "a mistake changes nothing");
}

const WATCHERS: usize = 2000;

/// Files and sockets for the watchers, here and in the agent, which inherits it.
fn allow_many_files() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most.min(65_536), most).unwrap();
}

fn blocked(agent: &TestAgent, at: usize) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", agent.http_port)).unwrap();
    let request = format!("GET /v1/kv/watched/{at}?index=1&wait=9m HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// The time that a process has spent computing, in clock ticks (a hundredth of a second).
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn two_thousand_blocked_watchers_cost_nothing_and_only_the_concerned_one_wakes() {
    allow_many_files();
    let agent = TestAgent::with_config(json!({"limits": {"http_max_conns_per_client": 4000}}));
    let mut streams: Vec<_> = (0..WATCHERS).map(|at| blocked(&agent, at)).collect();
    // They have all been read once a request that came after them is answered and the agent rests.
    eventually("the agent rests", || {
        let before = ticks(agent.pid());
        pause_for(Duration::from_millis(500));
        (ticks(agent.pid()) - before <= 5).then_some(())
    });
    let before = ticks(agent.pid());
    pause_for(Duration::from_secs(3));
    let spent = ticks(agent.pid()) - before;
    assert!(
        spent <= 15,
        "{WATCHERS} idle watchers took {spent} hundredths of a second of processor time in 3 s"
    );

    let before = ticks(agent.pid());
    for _ in 0..200 {
        assert_eq!(agent.request("PUT", "/v1/kv/elsewhere", b"x").body, "true");
    }
    let writing = ticks(agent.pid()) - before;
    agent.request("PUT", "/v1/kv/watched/7", b"now");
    streams[7].set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut answer = [0; 4096];
    let length = streams[7].read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("watched/7"), "{answer}");
    for (at, stream) in streams.iter_mut().enumerate().filter(|(at, _)| *at != 7) {
        stream.set_nonblocking(true).unwrap();
        let woken = stream.read(&mut [0; 64]);
        assert!(woken.as_ref().is_err_and(|e| e.kind() == ErrorKind::WouldBlock), "{at}: {woken:?}");
    }
    assert!(writing <= 200, "200 writes elsewhere took {writing} hundredths of a second");
}

#[test]
fn a_prepared_query_answers_over_dns() {
    use hickory_proto::rr::{RData, RecordType};
    let agent = TestAgent::start();
    agent.register(&json!({"Name": "web", "Port": 80, "Address": "10.1.2.3"}));
    agent.wait_for_passing("web", 1);
    let query = json!({"Name": "front", "Service": {"Service": "web"}, "DNS": {"TTL": "9s"}});
    let created = agent.request("POST", "/v1/query", query.to_string().as_bytes());
    assert_eq!(created.status, 200, "{}", created.body);
    let answer = mesh_tests::dns::ask(agent.dns_port, "front.query.consul.", RecordType::A);
    let records = &answer.answers;
    assert_eq!(records.len(), 1, "{answer:?}");
    let RData::A(address) = &records[0].data else { panic!("{answer:?}") };
    assert_eq!((address.0.to_string(), records[0].ttl), ("10.1.2.3".to_owned(), 9));
}
