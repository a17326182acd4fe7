use super::*;
use crate::task::Shutdown;
use crate::task::TaskGroup;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

const SESSION: Uuid = Uuid::from_u128(7);

/// Values in memory, of one session that lives until it is ended.
#[derive(Default)]
struct Drawer {
    values: Mutex<BTreeMap<String, Held>>,
    ended: Mutex<bool>,
}

impl Drawer {
    fn lay(&self, key: &str, value: &[u8], session: Option<Uuid>) {
        self.values.lock().unwrap().insert(key.to_owned(), Held { value: value.to_vec(), session });
    }

    fn text(&self, key: &str) -> Option<String> {
        let values = self.values.lock().unwrap();
        values.get(key).map(|held| String::from_utf8(held.value.clone()).unwrap())
    }

    fn output(&self) -> String {
        let values = self.values.lock().unwrap();
        let parts = values.iter().filter(|(key, _)| key.contains("/n1/out/"));
        parts.map(|(_, held)| String::from_utf8(held.value.clone()).unwrap()).collect()
    }
}

impl Desk for Drawer {
    fn read<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Held>, String>> {
        Box::pin(async move { Ok(self.values.lock().unwrap().get(key).cloned()) })
    }

    fn write<'a>(
        &'a self,
        key: &'a str,
        session: Uuid,
        value: Vec<u8>,
    ) -> BoxFuture<'a, Result<bool, String>> {
        Box::pin(async move {
            if *self.ended.lock().unwrap() {
                return Ok(false);
            }
            self.lay(key, &value, Some(session));
            Ok(true)
        })
    }
}

/// A node that carries out what it is sent.
struct Node {
    desk: Arc<Drawer>,
    orders: mpsc::Sender<Bytes>,
    _tasks: TaskGroup,
}

fn key(rest: &str) -> String {
    format!("_rexec/{SESSION}/{rest}")
}

fn node() -> Node {
    let (orders, received) = mpsc::channel(MOST_WAITING);
    let (desk, mut tasks) = (Arc::<Drawer>::default(), TaskGroup::new());
    let executor = Executor::new(desk.clone(), "n1".to_owned(), received);
    tasks.spawn("executor", executor.run(Shutdown::new()));
    Node { desk, orders, _tasks: tasks }
}

impl Node {
    async fn order(&self) {
        let order = json!({"Prefix": "_rexec", "Session": SESSION});
        self.orders.send(order.to_string().into()).await.unwrap();
    }

    async fn run(&self, job: &Value) {
        self.desk.lay(&key("job"), job.to_string().as_bytes(), Some(SESSION));
        self.order().await;
    }

    /// Waits for the status and returns it with all that was printed.
    async fn outcome(&self) -> (String, String) {
        let status = until("it ends", || self.desk.text(&key("n1/exit"))).await;
        (status, self.desk.output())
    }
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

fn words(words: &[&str]) -> Value {
    json!({"Command": "", "Args": words, "Script": null, "Wait": 500_000_000})
}

#[tokio::test]
async fn lines_words_and_scripts_are_run_and_tell_what_came_of_them() {
    let script = STANDARD.encode("#!/bin/sh\necho from a script; exit 3\n");
    let table = [
        (json!({"Command": "echo out; echo err >&2; exit 7", "Wait": 1}), "7", vec!["out\n", "err\n"]),
        (words(&["echo", "a  b", "$HOME"]), "0", vec!["a  b $HOME\n"]),
        (json!({"Script": script, "Wait": 1_000_000_000}), "3", vec!["from a script\n"]),
        (json!({"Command": "kill -9 $$"}), "137", vec![]),
        (words(&["/nowhere/at-all"]), "255", vec!["cannot be started"]),
    ];
    for (job, status, printed) in table {
        let node = node();
        node.run(&job).await;
        let (found, output) = node.outcome().await;
        assert_eq!(found, status, "{job}: {output}");
        assert!(printed.iter().all(|part| output.contains(part)), "{job}: {output:?}");
        assert_eq!(node.desk.text(&key("n1/ack")).as_deref(), Some(""));
    }
}

#[tokio::test]
async fn who_is_silent_is_heard_of_and_who_prints_too_much_is_cut_short() {
    let node = node();
    node.run(&json!({"Command": "sleep 1.2; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end"})).await;
    let (status, output) = node.outcome().await;
    assert_eq!(status, "0");
    assert_eq!(node.desk.text(&key("n1/out/00000")).as_deref(), Some(""), "a sign of life");
    assert!(output.len() < 1024 * 1024 + 100 && output.ends_with("(what follows is left out)\n"));
    let values = node.desk.values.lock().unwrap();
    assert!(values.values().all(|held| held.value.len() <= 4096 + 100));
}

/// Whether a process is there and does something.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !matches!(stat.rsplit(") ").next().and_then(|rest| rest.chars().next()), None | Some('Z' | 'X'))
}

#[tokio::test]
async fn the_end_of_the_session_kills_the_command_and_all_that_it_has_started() {
    let node = node();
    node.run(&json!({"Command": "sleep 1000 & echo $!; sleep 1000", "Wait": 500_000_000})).await;
    let pid = until("it prints", || Some(node.desk.output()).filter(|text| text.ends_with('\n'))).await;
    let pid = pid.trim();
    assert!(runs(pid));
    *node.desk.ended.lock().unwrap() = true;
    until("it is killed", || (!runs(pid)).then_some(())).await;
    assert_eq!(node.desk.text(&key("n1/exit")), None);
}

#[tokio::test]
async fn the_end_of_the_agent_kills_the_command() {
    let node = node();
    node.run(&json!({"Command": "sleep 1000 & echo $!; sleep 1000"})).await;
    let pid = until("it prints", || Some(node.desk.output()).filter(|text| text.ends_with('\n'))).await;
    drop(node);
    until("it is killed", || (!runs(pid.trim())).then_some(())).await;
}

#[tokio::test]
async fn one_order_is_carried_out_once_and_only_by_what_its_session_laid_down() {
    let node = node();
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("ran");
    let job = json!({"Command": format!("echo ran >> {}; sleep 0.2", place.display())}).to_string();
    // Somebody else's value, at first.
    node.desk.lay(&key("job"), job.as_bytes(), Some(Uuid::from_u128(8)));
    node.orders.send(Bytes::from_static(b"{\"Prefix\": \"../x\", \"Session\": \"y\"}")).await.unwrap();
    node.order().await;
    node.order().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!place.exists());
    node.desk.lay(&key("job"), job.as_bytes(), Some(SESSION));
    node.outcome().await;
    assert_eq!(std::fs::read_to_string(&place).unwrap(), "ran\n");
}
