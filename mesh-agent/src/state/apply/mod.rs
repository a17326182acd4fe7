mod autopilot;
mod ca;
mod check;
mod coordinate;
mod intention;
mod kv;
mod node;
mod prepared;
mod restore;
mod service;
mod session;
mod txn;

use super::{Command, Outcome, Refusal, State, Topic};
use crate::model::RaftIndex;

/// The topics that one batch touched.
pub(super) type Changed = Vec<Topic>;

impl State {
    /// What a command does; `index` is that of its entry in the log. The same command on the same state gives the same state, on every server.
    pub(super) fn apply(&mut self, index: u64, command: Command, changed: &mut Changed) -> Outcome {
        let index = index + self.offset;
        self.applied = index;
        let mut write = Write { state: self, index, changed };
        let applied = match command {
            Command::Txn(operations) => {
                write.transact(operations).map(|results| Outcome::Transaction { index: write.index, results })
            }
            command => write.command(command).map(|()| Outcome::Done { index: write.index }),
        };
        applied.unwrap_or_else(Outcome::Refused)
    }
}

/// One write under way. Each of its commands checks everything before it changes anything.
struct Write<'a> {
    state: &'a mut State,
    index: u64,
    changed: &'a mut Changed,
}

impl Write<'_> {
    fn command(&mut self, command: Command) -> Result<(), Refusal> {
        match command {
            Command::Register(r) => self.register(*r),
            Command::Deregister(d) => {
                self.deregister(&d);
                Ok(())
            }
            Command::PutIntention(i) => self.put_intention(*i),
            Command::PutIntentionByName(i) => self.put_intention_by_name(*i),
            Command::DeleteIntention(id) => self.delete_intention(id),
            Command::DeleteIntentionByName { source, destination } => {
                self.delete_intention_by_name(source, destination)
            }
            Command::SetCa { expected, config, roots, provider } => {
                self.set_ca(expected, config, roots, provider)
            }
            Command::Restore(archive) => self.restore(&archive),
            Command::Kv(write) => self.kv(*write).map(drop),
            Command::Txn(operations) => self.transact(operations).map(drop),
            Command::CreateSession(session) => self.create_session(*session),
            Command::EndSession(id) => {
                self.end_session(id);
                Ok(())
            }
            Command::PutPreparedQuery(query) => self.put_prepared(*query),
            Command::DeletePreparedQuery(id) => {
                self.delete_prepared(id);
                Ok(())
            }
            Command::ReplicateIntentions { delete, put } => {
                self.replicate_intentions(&delete, put);
                Ok(())
            }
            Command::PutCoordinates(places) => {
                self.put_coordinates(places);
                Ok(())
            }
            Command::SetAutopilot { config, expected } => self.set_autopilot(config, expected),
            Command::EndLockDelays(ended) => {
                self.end_lock_delays(&ended);
                Ok(())
            }
        }
    }

    fn touch(&mut self, topic: Topic) {
        self.state.indexes.touch(topic.clone(), self.index);
        self.changed.push(topic);
    }

    /// Those who wait are told; the topic's index is kept elsewhere.
    fn ring(&mut self, topic: Topic) {
        self.changed.push(topic);
    }

    /// Those who wait are told, and then nobody needs the topic's own index any more.
    fn touch_last(&mut self, topic: Topic) {
        self.state.indexes.touch(topic.clone(), self.index);
        self.state.indexes.forget(&topic);
        self.changed.push(topic);
    }

    fn stamp(&self, old: Option<RaftIndex>) -> RaftIndex {
        RaftIndex { create: old.map_or(self.index, |i| i.create), modify: self.index }
    }
}
