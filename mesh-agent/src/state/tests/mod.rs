mod autopilot;
mod ca;
mod coordinates;
mod deregistration;
mod intentions;
mod kv;
mod random;
mod registration;
mod restore;
mod sessions;
mod topics;
mod txn;
mod view;
mod virtual_ips;

use super::derived::Derived;
use super::fixtures::*;
use super::*;
use crate::model::{CheckStatus, NodeService, RaftIndex};
use std::sync::Arc;

/// A store whose every write gets the next index, as Raft would give it.
#[derive(Default)]
struct Written {
    store: Store,
    index: u64,
}

impl Written {
    fn by(commands: impl IntoIterator<Item = Command>) -> Self {
        let mut written = Self::default();
        for command in commands {
            written.apply(command);
        }
        written
    }

    fn try_apply(&mut self, command: Command) -> Result<u64, Refusal> {
        self.index += 1;
        match self.store.apply(self.index, vec![command]).remove(0) {
            Outcome::Done { index } | Outcome::Transaction { index, .. } => Ok(index),
            Outcome::Refused(refusal) => Err(refusal),
        }
    }

    fn apply(&mut self, command: Command) -> u64 {
        self.try_apply(command).unwrap()
    }

    fn refusal(&mut self, command: Command) -> Refusal {
        self.try_apply(command).unwrap_err()
    }

    fn state(&self) -> Arc<State> {
        self.store.state()
    }

    fn ask<Q: Query>(&self, query: &Q) -> Q::Output {
        query.run(&self.state())
    }

    fn index_of<Q: Query>(&self, query: &Q) -> u64 {
        self.state().index_of(&query.topics())
    }

    /// What another server has that starts from a snapshot of this one.
    fn restored(&self) -> Self {
        let store = Store::default();
        store.restore(&self.state().snapshot().unwrap()).unwrap();
        Self { store, index: self.index }
    }
}

fn instances(service: &str, through: Through) -> InstancesOf {
    InstancesOf { service: service_name(service), through }
}

fn direct(service: &str) -> InstancesOf {
    instances(service, Through::Direct)
}

fn get_node(name: &str) -> GetNode {
    GetNode(name.parse().unwrap())
}

fn deregister(node: &str, service: Option<&str>, check: Option<&str>) -> Command {
    Command::Deregister(Deregistration {
        node: node.parse().unwrap(),
        service: service.map(|id| id.parse().unwrap()),
        check: check.map(|id| id.parse().unwrap()),
    })
}
