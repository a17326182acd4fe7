use super::Engine;
use crate::gossip::GossipError;
use crate::gossip::GossipKey;
use crate::gossip::keyring::Keyring;
use crate::gossip::message::{Message, Order, OrderResult};
use crate::gossip::timers::Due;
use crate::model::NodeName;
use rand::RngExt;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::oneshot;

/// What all members answered to an order.
#[derive(Debug, Default)]
pub(in crate::gossip) struct OrderReport {
    pub results: Vec<(NodeName, OrderResult)>,
    /// Those that did not answer.
    pub silent: Vec<NodeName>,
}

/// An order that not all have carried out yet.
pub(super) struct Operation {
    order: Order,
    waiting: BTreeMap<SocketAddr, NodeName>,
    report: OrderReport,
    tries: u32,
    reply: oneshot::Sender<OrderReport>,
}

const AGAIN: Duration = Duration::from_millis(500);
const MOST_TRIES: u32 = 10;
/// Most operations under way.
const MOST_OPERATIONS: usize = 16;

impl Engine {
    /// Has every member that lives do something to its keyring, this one first.
    pub fn order(&mut self, now: Duration, order: Order, reply: oneshot::Sender<OrderReport>) {
        self.now = now;
        if self.operations.len() >= MOST_OPERATIONS {
            return;
        }
        let others = self.foca.iter_members().map(foca::Member::id);
        let waiting = others.map(|peer| (peer.address(), peer.member().name.clone())).collect();
        let own = (self.own().member().name.clone(), self.obey(&order));
        let report = OrderReport { results: vec![own], silent: Vec::new() };
        let id = self.rng.random();
        self.operations.insert(id, Operation { order, waiting, report, tries: 0, reply });
        self.order_again(id);
    }

    pub(super) fn order_again(&mut self, id: u64) {
        let Some(operation) = self.operations.get_mut(&id) else { return };
        operation.tries += 1;
        if operation.waiting.is_empty() || operation.tries > MOST_TRIES {
            return self.finish(id);
        }
        let message = Message::Order { id, order: operation.order.clone() };
        let waiting: Vec<SocketAddr> = operation.waiting.keys().copied().collect();
        for address in waiting {
            self.send(address, &message);
        }
        self.timers.add(self.now + AGAIN, Due::Operation(id));
    }

    pub(super) fn done(&mut self, from: SocketAddr, id: u64, result: OrderResult) {
        let Some(operation) = self.operations.get_mut(&id) else { return };
        let Some(name) = operation.waiting.remove(&result.of.unwrap_or(from)) else { return };
        operation.report.results.push((name, result));
        if operation.waiting.is_empty() {
            self.finish(id);
        }
    }

    fn finish(&mut self, id: u64) {
        let Some(operation) = self.operations.remove(&id) else { return };
        let Operation { waiting, mut report, reply, .. } = operation;
        report.silent = waiting.into_values().collect();
        // Whoever asked may have stopped waiting.
        let _ = reply.send(report);
    }

    /// Somebody who has the key orders something.
    pub(super) fn ordered(&mut self, from: SocketAddr, id: u64, order: &Order) {
        let result = self.obey(order);
        self.send(from, &Message::Done { id, result });
    }

    fn obey(&mut self, order: &Order) -> OrderResult {
        let error = match changed(self.keyring(), order) {
            Ok(Some(keyring)) => self.adopt(keyring).err(),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        let keys = self.keyring().keys().iter().map(GossipKey::to_text).collect();
        let of = Some(self.own().address());
        OrderResult { keys, error: error.map(|error| error.to_string()), of }
    }

    /// Kept before it is used: after a restart the agent has to understand the others.
    fn adopt(&mut self, keyring: Keyring) -> Result<(), GossipError> {
        self.file.save(&keyring)?;
        self.seal.replace(keyring, &mut self.rng);
        Ok(())
    }
}

/// The keyring after an order; `None` where there is nothing to change.
fn changed(keyring: &Keyring, order: &Order) -> Result<Option<Keyring>, GossipError> {
    let changed = match order {
        Order::List => return Ok(None),
        Order::Install(key) => keyring.with(GossipKey::parse(key)?)?,
        Order::Use(key) => keyring.using(&GossipKey::parse(key)?)?,
        Order::Remove(key) => keyring.without(&GossipKey::parse(key)?)?,
    };
    Ok((changed != *keyring).then_some(changed))
}
