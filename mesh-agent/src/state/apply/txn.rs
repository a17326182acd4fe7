use super::Write;
use crate::model::{HealthCheck, KvEntry, KvValue, Node, NodeName, NodeService};
use crate::state::{
    Deregistration, KvRead, KvReadVerb, Refusal, Registration, RowVerb, State, TxnError, TxnFailure,
    TxnOperation, TxnResult,
};
use std::sync::Arc;

type Results = Result<Vec<TxnResult>, TxnFailure>;

impl State {
    /// What a transaction would find; the state stays as it is.
    pub(in crate::state) fn tried(&self, operations: Vec<TxnOperation>) -> Result<Vec<TxnResult>, Refusal> {
        let (mut copy, mut changed) = (self.clone(), Vec::new());
        let index = copy.applied;
        Write { state: &mut copy, index, changed: &mut changed }.transact(operations)
    }
}

impl Write<'_> {
    /// All of it, or nothing and why.
    pub(super) fn transact(&mut self, operations: Vec<TxnOperation>) -> Result<Vec<TxnResult>, Refusal> {
        let (before, rung) = (State::clone(self.state), self.changed.len());
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for (operation, step) in operations.into_iter().enumerate() {
            match self.step(step) {
                Ok(found) => results.extend(found),
                Err(what) => errors.push(TxnError { operation, what }),
            }
        }
        if errors.is_empty() {
            return Ok(results);
        }
        *self.state = before;
        self.changed.truncate(rung);
        Err(Refusal::RolledBack { errors })
    }

    fn step(&mut self, operation: TxnOperation) -> Results {
        match operation {
            TxnOperation::KvWrite(write) => {
                let written = self.kv(write).map_err(|refusal| refused(&refusal))?;
                Ok(written.iter().map(|entry| TxnResult::Kv(without_value(entry))).collect())
            }
            TxnOperation::KvRead(read) => self.kv_read(&read),
            TxnOperation::Node(verb, node) => self.txn_node(verb, *node),
            TxnOperation::Service(verb, node, service) => self.txn_service(verb, node, *service),
            TxnOperation::Check(verb, check) => self.txn_check(verb, *check),
        }
    }

    fn kv_read(&self, read: &KvRead) -> Results {
        let found = self.state.kv.get(&read.key);
        let key = || read.key.to_string();
        let existing = || found.ok_or_else(|| TxnFailure::NoSuchKey { key: key() });
        match &read.verb {
            KvReadVerb::Get => Ok(vec![TxnResult::Kv(existing()?.clone())]),
            KvReadVerb::GetTree => Ok(self.state.kv.below(&read.key).cloned().map(TxnResult::Kv).collect()),
            KvReadVerb::CheckIndex { index } => match existing()?.index.modify {
                found if found == *index => Ok(vec![TxnResult::Kv(without_value(existing()?))]),
                found => Err(TxnFailure::IndexCheck { key: key(), found, expected: *index }),
            },
            KvReadVerb::CheckSession { session } => match existing()?.session {
                Some(holder) if holder == *session => Ok(vec![TxnResult::Kv(without_value(existing()?))]),
                holder => Err(TxnFailure::SessionCheck {
                    key: key(),
                    found: holder.map(|id| id.to_string()).unwrap_or_default(),
                    expected: session.to_string(),
                }),
            },
            KvReadVerb::CheckNotExists if found.is_some() => Err(TxnFailure::KeyExists { key: key() }),
            KvReadVerb::CheckNotExists => Ok(Vec::new()),
        }
    }

    fn txn_node(&mut self, verb: RowVerb, node: Node) -> Results {
        let (key, name, expected) = (node.name.folded(), node.name.clone(), node.index.modify);
        let found = self.state.nodes.get(&key).map_or(0, |node| node.index.modify);
        let stale = || TxnFailure::NodeStale { node: name.clone() };
        match verb {
            RowVerb::Cas | RowVerb::DeleteCas if found != expected => return Err(stale()),
            RowVerb::Set | RowVerb::Cas => self.txn_register(node, None, None)?,
            RowVerb::Delete | RowVerb::DeleteCas => {
                self.deregister(&Deregistration { node: name, service: None, check: None });
                return Ok(Vec::new());
            }
            RowVerb::Get => {}
        }
        let row = self.state.nodes.get(&key).cloned();
        Ok(vec![TxnResult::Node(row.ok_or(TxnFailure::NoSuchNode { node: name })?)])
    }

    fn txn_service(&mut self, verb: RowVerb, node: NodeName, service: NodeService) -> Results {
        let (id, expected) = (service.id.clone(), service.index.modify);
        let key = (node.folded(), id.clone());
        let found = self.state.services.get(&key).map_or(0, |service| service.index.modify);
        match verb {
            RowVerb::Cas | RowVerb::DeleteCas if found != expected => {
                return Err(TxnFailure::ServiceStale { node, service: id });
            }
            RowVerb::Set | RowVerb::Cas => {
                let owner = self.owner(&node)?;
                self.txn_register(owner, Some(service), None)?;
            }
            RowVerb::Delete | RowVerb::DeleteCas => {
                self.deregister(&Deregistration { node, service: Some(id), check: None });
                return Ok(Vec::new());
            }
            RowVerb::Get => {}
        }
        match self.state.services.get(&key) {
            Some(row) => Ok(vec![TxnResult::Service(node, row.clone())]),
            None => Err(TxnFailure::NoSuchService { node, service: id }),
        }
    }

    fn txn_check(&mut self, verb: RowVerb, check: HealthCheck) -> Results {
        let (id, node, expected) = (check.id.clone(), check.node.clone(), check.index.modify);
        let key = (node.folded(), id.clone());
        let found = self.state.checks.get(&key).map_or(0, |check| check.index.modify);
        match verb {
            RowVerb::Cas | RowVerb::DeleteCas if found != expected => {
                return Err(TxnFailure::CheckStale { node, check: id });
            }
            RowVerb::Set | RowVerb::Cas => {
                let owner = self.owner(&node)?;
                self.txn_register(owner, None, Some(check))?;
            }
            RowVerb::Delete | RowVerb::DeleteCas => {
                self.deregister(&Deregistration { node, service: None, check: Some(id) });
                return Ok(Vec::new());
            }
            RowVerb::Get => {}
        }
        match self.state.checks.get(&key) {
            Some(row) => Ok(vec![TxnResult::Check(row.clone())]),
            None => Err(TxnFailure::NoSuchCheck { node, check: id }),
        }
    }

    /// The node that a service or a check is put on has to be there.
    fn owner(&self, name: &NodeName) -> Result<Node, TxnFailure> {
        let node = self.state.nodes.get(&name.folded());
        node.map(|node| Node::clone(node)).ok_or_else(|| TxnFailure::NoSuchNode { node: name.clone() })
    }

    fn txn_register(
        &mut self,
        node: Node,
        service: Option<NodeService>,
        check: Option<HealthCheck>,
    ) -> Result<(), TxnFailure> {
        let skip_node_update = service.is_some() || check.is_some();
        let (services, checks) = (service.into_iter().collect(), check.into_iter().collect());
        self.register(Registration { node, skip_node_update, services, checks })
            .map_err(|refusal| refused(&refusal))
    }
}

fn refused(refusal: &Refusal) -> TxnFailure {
    TxnFailure::Refused { reason: refusal.to_string() }
}

fn without_value(entry: &Arc<KvEntry>) -> Arc<KvEntry> {
    Arc::new(KvEntry { value: KvValue::default(), ..KvEntry::clone(entry) })
}
