use super::register::{Operation, Outcome, Register, Request};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use todc_utils::{Action, History, WGLChecker};

/// What clients asked and were answered, in the order in which it happened, for each key.
#[derive(Default)]
pub struct Recorder(Mutex<BTreeMap<String, Vec<Event>>>);

/// A client asked, or was answered.
type Event = (usize, Action<Operation>);

impl Recorder {
    /// Records the asking, asks, and records the answer.
    pub(super) fn record(&self, key: &str, client: usize, request: Request, ask: impl FnOnce() -> Outcome) {
        self.asks(key, client, request);
        self.hears(key, client, request, ask());
    }

    /// A client asks this now.
    pub fn asks(&self, key: &str, client: usize, request: Request) {
        let call = Action::Call(Operation { request, outcome: Outcome::Unknown });
        self.with(key, |events| events.push((client, call)));
    }

    /// What came of what it asked last is known now.
    pub fn hears(&self, key: &str, client: usize, request: Request, outcome: Outcome) {
        self.with(key, |events| match outcome {
            Outcome::Refused => forget_last_call(events, client),
            outcome => events.push((client, Action::Response(Operation { request, outcome }))),
        });
    }

    fn with(&self, key: &str, change: impl FnOnce(&mut Vec<Event>)) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(keys.entry(key.to_owned()).or_default());
    }

    /// All that were asked about.
    pub fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The keys whose history no order explains, each with its history; how many operations there were.
    ///
    /// What was never answered may take effect at any time after: it counts as answered last.
    pub fn unexplained(self) -> (Vec<(String, String)>, usize) {
        let keys = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let count = keys.values().map(|events| events.len() / 2).sum();
        let mut unexplained = Vec::new();
        for (key, events) in keys {
            let shown = format!("{events:#?}");
            let clients = events.iter().map(|(client, _)| client + 1).max().unwrap_or(0);
            let events = with_the_unanswered_last(events, clients);
            if !WGLChecker::<Register>::is_linearizable(History::from_actions(events)) {
                unexplained.push((key, shown));
            }
        }
        (unexplained, count)
    }
}

fn forget_last_call(events: &mut Vec<Event>, client: usize) {
    if let Some(last) = events.iter().rposition(|(who, _)| *who == client) {
        events.remove(last);
    }
}

/// A client that went on after an answer that never came goes on as another client.
fn with_the_unanswered_last(events: Vec<Event>, mut clients: usize) -> Vec<Event> {
    let mut as_whom: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut in_order, mut last) = (Vec::new(), Vec::new());
    for (client, action) in events {
        let now = *as_whom.entry(client).or_insert(client);
        match action {
            Action::Response(operation) if operation.outcome == Outcome::Unknown => {
                last.push((now, Action::Response(operation)));
                as_whom.insert(client, clients);
                clients += 1;
            }
            action => in_order.push((now, action)),
        }
    }
    in_order.extend(last);
    in_order
}
