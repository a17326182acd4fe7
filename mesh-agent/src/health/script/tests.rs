use super::super::testing::definition;
use super::*;
use crate::model::{CheckStatus, Probe};
use std::path::Path;

fn shell(script: &str, output_max_size: usize) -> ScriptProber {
    let args = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let check = definition("c", Probe::Script { args: args.clone() });
    ScriptProber::new(&CheckDefinition { output_max_size, ..check }, &args, true).unwrap()
}

fn within(time: Duration) -> Instant {
    Instant::now() + time
}

const LONG: Duration = Duration::from_secs(20);

fn is_alive(pid: i32) -> bool {
    // A killed process that nobody has reaped yet is a zombie, and dead.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|s| s != 'Z' && s != 'X')
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = timeout(Duration::from_secs(10), async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

fn pid_in(file: &Path) -> Option<i32> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[tokio::test]
async fn the_exit_status_decides_and_both_streams_are_kept() {
    let table = [
        ("echo fine; exit 0", CheckStatus::Passing, "fine"),
        ("echo hot >&2; exit 1", CheckStatus::Warning, "hot"),
        ("echo dead; exit 2", CheckStatus::Critical, "dead"),
        ("exit 255", CheckStatus::Critical, ""),
        ("kill -9 $$", CheckStatus::Critical, ""),
    ];
    for (script, status, words) in table {
        let result = shell(script, 4096).probe(within(LONG)).await;
        assert_eq!((result.status, result.output.trim()), (status, words), "{script}");
    }
}

#[tokio::test]
async fn a_talkative_script_is_not_blocked_and_the_end_is_kept() {
    let result = shell("yes line | head -n 200000; echo the end", 16).probe(within(LONG)).await;
    assert_eq!(result.status, CheckStatus::Passing);
    assert_eq!(result.output, "Captured 16 of 1000008 bytes\n...\nne\nline\nthe end\n");
}

#[tokio::test]
async fn a_hung_script_is_killed_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let child = dir.path().join("child");
    let script = format!("echo begun; sleep 1000 & echo $! > {}; wait", child.display());
    let result = shell(&script, 4096).probe(within(Duration::from_millis(500))).await;
    assert_eq!(result.status, CheckStatus::Critical);
    assert!(result.output.starts_with("Timed out"), "{}", result.output);
    assert!(result.output.contains("begun"), "{}", result.output);
    let pid = pid_in(&child).expect("the script had the time to start its child");
    until("the child is killed", || !is_alive(pid)).await;
}

#[tokio::test]
async fn a_child_left_behind_holds_nothing_up_and_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let child = dir.path().join("child");
    let script = format!("sleep 1000 & echo $! > {}; echo done", child.display());
    let started = Instant::now();
    let result = shell(&script, 4096).probe(within(LONG)).await;
    assert_eq!(result, ProbeResult::passing("done\n"));
    assert!(started.elapsed() < LONG / 2);
    let pid = pid_in(&child).unwrap();
    until("the child is killed", || !is_alive(pid)).await;
}

#[tokio::test]
async fn removing_the_check_kills_the_script() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let prober = shell(&format!("echo $$ > {}; sleep 1000; true", file.display()), 4096);
    let probe = Box::pin(prober.probe(within(LONG)));
    let started = Box::pin(until("the script runs", || pid_in(&file).is_some()));
    // The probe is dropped here, as it is when its check is removed.
    drop(futures_util::future::select(probe, started).await);
    let pid = pid_in(&file).unwrap();
    until("the script is killed", || !is_alive(pid)).await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_critical() {
    let args = vec!["/no/such/program".to_owned()];
    let check = definition("c", Probe::Script { args: args.clone() });
    let result = ScriptProber::new(&check, &args, true).unwrap().probe(within(LONG)).await;
    assert_eq!(result.status, CheckStatus::Critical);
    assert!(result.output.contains("No such file"), "{}", result.output);
}

#[test]
fn scripts_need_to_be_enabled_and_to_name_a_program() {
    let check = definition("c", Probe::Ttl { ttl: LONG });
    let new = |args: &[&str], enabled| {
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        ScriptProber::new(&check, &args, enabled).map(drop)
    };
    assert!(matches!(new(&["/bin/true"], false), Err(CheckRefused::ScriptsDisabled { .. })));
    assert!(matches!(new(&[], true), Err(CheckRefused::NoCommand { .. })));
    assert!(matches!(new(&[""], true), Err(CheckRefused::NoCommand { .. })));
    assert!(new(&["/bin/true"], true).is_ok());
}
