//! Stored values and locks, through the command lines of both programs.

use mesh_tests::wait::here;
use mesh_tests::{TestAgent, binary, eventually, peers, run, skip};
use std::path::Path;
use std::time::{Duration, Instant};

/// `mesh`, and Debian's `consul` where it can be had: both must behave alike against our agent.
fn programs(test: &str) -> Vec<&'static Path> {
    let mut programs = vec![binary::mesh()];
    match peers::consul() {
        Ok(consul) => programs.push(consul),
        Err(reason) => skip(test, reason),
    }
    programs
}

/// Runs a command line, and shows what came of it in one text.
fn tell(agent: &TestAgent, program: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(agent.client_command(program).args(arguments));
    (output.status, format!("{}{}", output.stdout, output.stderr))
}

#[test]
fn values_are_put_and_shown_alike_by_both_command_lines() {
    for program in programs("values_are_put_and_shown_alike_by_both_command_lines") {
        let agent = TestAgent::start();
        let file = agent.directory().join("value");
        std::fs::write(&file, "from a file").unwrap();
        let from_file = format!("@{}", file.display());
        let steps: &[(&[&str], i32, &str)] = &[
            (&["kv", "put", "web/port", "8080"], 0, "Success! Data written to: web/port\n"),
            (&["kv", "put", "web/host", "a.example"], 0, "Success! Data written to: web/host\n"),
            (&["kv", "put", "web/tls/file", &from_file], 0, "Success! Data written to: web/tls/file\n"),
            (&["kv", "put", "-base64", "b", "aGk="], 0, "Success! Data written to: b\n"),
            (&["kv", "get", "web/port"], 0, "8080\n"),
            (&["kv", "get", "-base64", "web/port"], 0, "ODA4MA==\n"),
            (&["kv", "get", "b"], 0, "hi\n"),
            (
                &["kv", "get", "-recurse", "web/"],
                0,
                "web/host:a.example\nweb/port:8080\nweb/tls/file:from a file\n",
            ),
            (&["kv", "get", "-keys"], 0, "b\nweb/\n"),
            (&["kv", "get", "-keys", "web/"], 0, "web/host\nweb/port\nweb/tls/\n"),
            (&["kv", "get", "-keys", "-separator=", "web/t"], 0, "web/tls/file\n"),
            (&["kv", "get", "none"], 1, "Error! No key exists at: none\n"),
            (&["kv", "get"], 1, "Error! Missing KEY argument\n"),
            (
                &["kv", "put", "-cas", "-modify-index=1", "b", "x"],
                1,
                "Error! Did not write to b: CAS failed\n",
            ),
            (&["kv", "put", "c", "x"], 0, "Success! Data written to: c\n"),
            (
                &["kv", "put", "-acquire", "b", "x"],
                1,
                "Error! Missing -session (required with -acquire and -release)\n",
            ),
            (&["kv", "delete", "c"], 0, "Success! Deleted key: c\n"),
            (
                &["kv", "delete", "-cas", "-modify-index=1", "b"],
                1,
                "Error! Did not delete key b: CAS failed\n",
            ),
            (&["kv", "delete", "-recurse", "web/tls"], 0, "Success! Deleted keys with prefix: web/tls\n"),
            (&["kv", "get", "-keys", "-separator=", ""], 0, "b\nweb/host\nweb/port\n"),
        ];
        for (arguments, status, text) in steps {
            let told = tell(&agent, program, arguments);
            assert_eq!(told, (Some(*status), (*text).to_owned()), "{} {arguments:?}", program.display());
        }
        let (_, details) = tell(&agent, program, &["kv", "get", "-detailed", "web/port"]);
        let names: Vec<_> = details.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
        assert_eq!(names, ["CreateIndex", "Flags", "Key", "LockIndex", "ModifyIndex", "Session", "Value"]);
        assert!(details.contains("\nSession          -\nValue            8080\n"), "{details}");
    }
}

#[test]
fn index_0_stores_only_what_does_not_exist() {
    let agent = TestAgent::start();
    let put = ["kv", "put", "-cas", "-modify-index=0", "new", "x"];
    assert_eq!(agent.mesh(&put).success(), "Success! Data written to: new\n");
    let again = agent.mesh(&put);
    let why = "Error! Did not write to new: CAS performed with index=0 and key already exists.\n";
    assert_eq!((again.status, again.stderr.as_str()), (Some(1), why));
}

#[test]
fn what_one_program_exports_the_other_imports() {
    let programs = programs("what_one_program_exports_the_other_imports");
    let agent = TestAgent::start();
    agent.mesh(&["kv", "put", "-flags=7", "app/a", "1"]).success();
    agent.mesh(&["kv", "put", "app/b", "two"]).success();
    let exports: Vec<_> =
        programs.iter().map(|program| tell(&agent, program, &["kv", "export", "app/"]).1).collect();
    assert!(exports.iter().all(|export| export == &exports[0]), "{exports:#?}");
    let file = agent.directory().join("export.json");
    std::fs::write(&file, &exports[0]).unwrap();
    for program in programs {
        agent.mesh(&["kv", "delete", "-recurse", "app/"]).success();
        let told = tell(&agent, program, &["kv", "import", &format!("@{}", file.display())]);
        assert_eq!(told, (Some(0), "Imported: app/a\nImported: app/b\n".to_owned()));
        assert_eq!(tell(&agent, program, &["kv", "export", "app/"]).1, exports[0]);
    }
}

#[test]
fn a_value_that_is_no_text_comes_back_byte_for_byte() {
    let agent = TestAgent::start();
    let bytes: Vec<u8> = (0..=255).collect();
    let file = agent.directory().join("bytes");
    std::fs::write(&file, &bytes).unwrap();
    agent.mesh(&["kv", "put", "bytes", &format!("@{}", file.display())]).success();
    let output = agent.client_command(binary::mesh()).args(["kv", "get", "bytes"]).output().unwrap();
    assert_eq!(output.stdout[..256], bytes);
}

/// Two holders of one lock append to a file; if they overlap, their marks are not in pairs.
#[test]
fn a_lock_is_held_by_one_process_at_a_time_whichever_program_takes_it() {
    let programs = programs("a_lock_is_held_by_one_process_at_a_time_whichever_program_takes_it");
    let agent = TestAgent::start();
    let file = agent.directory().join("marks");
    let script = format!("echo in >> {0}; sleep 0.4; echo out >> {0}", file.display());
    let mut holders = Vec::new();
    for (at, program) in programs.iter().cycle().take(4).enumerate() {
        holders.push(agent.start_client(program, &["lock", "jobs/one", &script], &format!("lock-{at}.log")));
    }
    for holder in &mut holders {
        let ended = holder.wait(Duration::from_secs(60)).expect("it gets the lock in time");
        assert!(ended.success(), "{}", holder.log());
    }
    let marks = std::fs::read_to_string(&file).unwrap();
    assert_eq!(marks, "in\nout\n".repeat(4));
    assert_eq!(agent.get("/v1/kv/jobs/one/.lock").status, 404, "the last one has cleaned up");
}

#[test]
fn as_many_as_the_limit_hold_a_semaphore_together() {
    let agent = TestAgent::start();
    let file = agent.directory().join("held");
    let script = format!("echo x >> {}; sleep 600", file.display());
    let start = |name: &str| agent.start_client(binary::mesh(), &["lock", "-n=2", "jobs/two", &script], name);
    let count = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();
    let (first, _second) = (start("a.log"), start("b.log"));
    eventually("two hold it", || (count() == 2).then_some(()));
    let third = agent.mesh(&["lock", "-n=2", "-try=300ms", "jobs/two", "true"]);
    assert_eq!(third.status, Some(1), "{third:?}");
    assert!(third.stderr.contains("timeout during lock acquisition"), "{third:?}");
    first.signal(nix::sys::signal::Signal::SIGTERM);
    let _fourth = start("d.log");
    eventually("its place is taken", || (count() == 3).then_some(()));
}

#[test]
fn the_program_under_a_lock_gives_its_exit_status_and_ends_when_the_lock_is_lost() {
    let agent = TestAgent::start();
    let coded = agent.mesh(&["lock", "-child-exit-code", "jobs/x", "exit 7"]);
    assert_eq!(coded.status, Some(7), "{coded:?}");
    let plain = agent.mesh(&["lock", "jobs/x", "exit 7"]);
    assert_eq!(plain.status, Some(1), "{plain:?}");

    let file = agent.directory().join("ended");
    let script = format!("trap 'echo ended >> {}; exit 0' TERM; while :; do sleep 0.1; done", file.display());
    let mut holder = agent.start_client(binary::mesh(), &["lock", "jobs/x", &script], "holder.log");
    let session = eventually("the lock is held", || {
        let found = agent.try_get("/v1/kv/jobs/x/.lock")?;
        (found.status == 200).then(|| found.json()[0]["Session"].as_str().map(str::to_owned)).flatten()
    });
    let lost = Instant::now();
    agent.request("PUT", &format!("/v1/session/destroy/{session}"), b"");
    let ended = holder.wait(Duration::from_secs(10)).expect("it ends");
    assert!(!ended.success() && lost.elapsed() < here(Duration::from_secs(5)), "{}", holder.log());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "ended\n", "the program was asked to end");
}

#[test]
fn stored_values_and_locks_survive_kill_9() {
    let mut agent = TestAgent::with(mesh_tests::AgentOptions { persistent: true, ..Default::default() });
    let created = agent.put("/v1/session/create", &serde_json::json!({"Checks": []})).json();
    let session = created["ID"].as_str().unwrap().to_owned();
    let locked = agent.request("PUT", &format!("/v1/kv/k?acquire={session}&flags=3"), b"value");
    assert_eq!(locked.body, "true");
    let before = agent.get_json("/v1/kv/k");
    agent.kill();
    agent.launch();
    assert_eq!(agent.get_json("/v1/kv/k"), before);
    assert_eq!(agent.get_json("/v1/session/list")[0]["ID"], session);
}
