use todc_utils::specifications::Specification;

/// What one key holds. Every write writes another number, so that a number stands for a modify index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    value: Option<u64>,
    /// The client whose session has the lock.
    holder: Option<usize>,
}

/// One request to a key, and once it is answered, what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub request: Request,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Read,
    Set(u64),
    /// Only if the key holds `from`.
    Cas {
        from: Option<u64>,
        to: u64,
    },
    Delete,
    Lock {
        client: usize,
        value: u64,
    },
    Unlock {
        client: usize,
        value: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not answered yet, or never: it may have happened, now or later.
    Unknown,
    /// It has not happened, and never will.
    Refused,
    Found(Option<u64>),
    /// Whether its condition held.
    Done(bool),
}

/// A key with compare-and-set and a lock, one request after the other.
#[derive(Clone, Copy, Debug)]
pub struct Register;

impl Specification for Register {
    type State = State;
    type Operation = Operation;

    fn init() -> State {
        State::default()
    }

    fn apply(operation: &Operation, state: &State) -> (bool, State) {
        let (outcome, next) = after(&operation.request, state);
        let explained = operation.outcome == Outcome::Unknown || operation.outcome == outcome;
        (explained, if explained { next } else { state.clone() })
    }
}

/// What a request answers, and what it leaves.
fn after(request: &Request, state: &State) -> (Outcome, State) {
    let written = |value: u64| State { value: Some(value), ..state.clone() };
    let (holds, next) = match *request {
        Request::Read => return (Outcome::Found(state.value), state.clone()),
        Request::Set(value) => (true, written(value)),
        Request::Delete => (true, State::default()),
        Request::Cas { from, to } => (state.value == from, written(to)),
        Request::Lock { client, value } => (
            state.holder.is_none_or(|holder| holder == client),
            State { value: Some(value), holder: Some(client) },
        ),
        Request::Unlock { client, value } => {
            (state.holder == Some(client), State { value: Some(value), holder: None })
        }
    };
    (Outcome::Done(holds), if holds { next } else { state.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use todc_utils::{Action, History, WGLChecker};

    /// Each is called when the one before it was answered, or together with it.
    fn explained(history: &[(usize, Request, Outcome)], together: bool) -> bool {
        let call = |(client, request, _): &(usize, Request, Outcome)| {
            let outcome = Outcome::Unknown;
            (*client, Action::Call(Operation { request: *request, outcome }))
        };
        let answer = |(client, request, outcome): &(usize, Request, Outcome)| {
            (*client, Action::Response(Operation { request: *request, outcome: *outcome }))
        };
        let actions = if together {
            history.iter().map(call).chain(history.iter().map(answer)).collect()
        } else {
            history.iter().flat_map(|one| [call(one), answer(one)]).collect()
        };
        WGLChecker::<Register>::is_linearizable(History::from_actions(actions))
    }

    #[test]
    fn what_no_order_explains_is_found() {
        use Outcome::{Done, Found};
        use Request::{Cas, Delete, Lock, Read, Set, Unlock};
        let lock = |client| (client, Lock { client, value: client as u64 }, Done(true));
        let cases = [
            ("a stale read", vec![(0, Set(1), Done(true)), (1, Read, Found(None))], true),
            (
                "a lost write",
                vec![(0, Set(1), Done(true)), (0, Set(2), Done(true)), (1, Read, Found(Some(1)))],
                true,
            ),
            (
                "a deletion undone",
                vec![(0, Set(1), Done(true)), (0, Delete, Done(true)), (1, Read, Found(Some(1)))],
                true,
            ),
            (
                "two compare-and-sets from one",
                vec![(0, Cas { from: None, to: 1 }, Done(true)), (1, Cas { from: None, to: 2 }, Done(true))],
                false,
            ),
            ("two holders", vec![lock(0), lock(1)], false),
            (
                "a lock given back by another",
                vec![lock(0), (1, Unlock { client: 1, value: 9 }, Done(true))],
                false,
            ),
        ];
        for (what, history, only_in_order) in cases {
            assert!(!explained(&history, false), "{what}");
            assert_eq!(explained(&history, true), only_in_order, "{what}, together");
        }
    }
}
