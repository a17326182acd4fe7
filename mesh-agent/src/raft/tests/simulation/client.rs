use super::super::*;
use super::world::{Up, World, address};
use crate::model::{KvValue, RaftIndex, Session, SessionBehavior, SessionId};
use crate::state::{Command, GetKey, KvVerb, KvWrite, Outcome as Applied, Query};
use mesh_tests::linearizable::{Outcome, Recorder, Request};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::cell::Cell;
use std::rc::Rc;
use tokio::time::{sleep, timeout};

/// A client of keys and locks who asks servers as agents do: a write goes to whoever leads; a read asks the leader how
/// far the log is, and waits until some server has applied that.
pub(super) struct Client {
    pub(super) world: Rc<World>,
    pub(super) recorder: Rc<Recorder>,
    pub(super) numbers: Rc<Cell<u64>>,
    pub(super) stop: Rc<Cell<bool>>,
    random: StdRng,
    id: usize,
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(1500);
/// So many requests go to the same keys.
const TURN: u64 = 60;

/// What came of one attempt.
enum Attempt {
    Answered(Outcome),
    Elsewhere,
}

pub(super) fn session(client: usize) -> Session {
    Session {
        id: session_id(client),
        name: String::new(),
        node: "n1".parse().unwrap(),
        node_checks: Vec::new(),
        service_checks: Vec::new(),
        lock_delay: Duration::ZERO,
        behavior: SessionBehavior::Release,
        ttl: None,
        index: RaftIndex::default(),
    }
}

fn session_id(client: usize) -> SessionId {
    SessionId::from_u128(client as u128 + 1)
}

impl Client {
    pub(super) fn new(world: Rc<World>, recorder: Rc<Recorder>, id: usize, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed ^ ((id as u64 + 1) << 16));
        Self { world, recorder, numbers: Rc::default(), stop: Rc::default(), random, id }
    }

    pub(super) async fn run(mut self) {
        while !self.stop.get() {
            let number = self.numbers.get() + 1;
            self.numbers.set(number);
            let key = format!("{}-{}", number / TURN, self.random.random_range(0..3));
            self.one(&key, number).await;
            sleep(Duration::from_millis(self.random.random_range(1..60))).await;
        }
    }

    async fn one(&mut self, key: &str, number: u64) {
        let (value, flags, client) = (KvValue(number.to_string().into()), 0, self.id);
        let session = session_id(client);
        match self.random.random_range(0..10) {
            0..3 => drop(self.read(key).await),
            3..5 => self.write(key, Request::Set(number), KvVerb::Set { value, flags }).await,
            5 => self.write(key, Request::Delete, KvVerb::Delete).await,
            6..8 => {
                if let Some((from, index)) = self.read(key).await {
                    let verb = KvVerb::Cas { value, flags, index };
                    self.write(key, Request::Cas { from, to: number }, verb).await;
                }
            }
            8 => {
                let request = Request::Lock { client, value: number };
                self.write(key, request, KvVerb::Lock { value, flags, session }).await;
            }
            _ => {
                let request = Request::Unlock { client, value: number };
                self.write(key, request, KvVerb::Unlock { value, flags, session }).await;
            }
        }
    }

    async fn write(&mut self, key: &str, request: Request, verb: KvVerb) {
        self.recorder.asks(key, self.id, request);
        let outcome = self.agree(&Command::Kv(Box::new(KvWrite { key: key.into(), verb }))).await;
        self.recorder.hears(key, self.id, request, outcome);
    }

    /// Asks on while nobody can have taken it.
    pub(super) async fn agree(&mut self, command: &Command) -> Outcome {
        for _ in 0..3 {
            let Some((_, up)) = self.leader_as_somebody_knows() else { continue };
            let asked = timeout(PATIENCE, up.node.write(command.clone()));
            let attempt = tokio::select! {
                biased;
                () = up.dead.begun() => Attempt::Answered(Outcome::Unknown),
                written = asked => attempt(written.unwrap_or(Err(AgreementError::Unconfirmed { waited: PATIENCE }))),
            };
            if let Attempt::Answered(outcome) = attempt {
                return outcome;
            }
        }
        Outcome::Refused
    }

    /// The number and the modify index; nothing where that was not answered.
    pub(super) async fn read(&mut self, key: &str) -> Option<(Option<u64>, u64)> {
        self.recorder.asks(key, self.id, Request::Read);
        let found = self.find(key).await;
        let outcome = found.map_or(Outcome::Refused, |(number, _)| Outcome::Found(number));
        self.recorder.hears(key, self.id, Request::Read, outcome);
        found
    }

    async fn find(&mut self, key: &str) -> Option<(Option<u64>, u64)> {
        let before = self.world.confirmed();
        let (_, leader) = self.leader_as_somebody_knows()?;
        let log = tokio::select! {
            biased;
            () = leader.dead.begun() => return None,
            log = timeout(PATIENCE, leader.node.confirm_leadership()) => log.ok()?.ok()?,
        };
        let (id, reader) = self.somebody()?;
        let has = reader.node.applies(log, PATIENCE).await;
        if !has || reader.dead.has_begun() {
            return None;
        }
        self.world.confirm(id, &reader, before);
        let Some(entry) = GetKey(key.into()).run(&reader.store.state()) else { return Some((None, 0)) };
        let number = std::str::from_utf8(&entry.value.0).ok()?.parse().ok()?;
        Some((Some(number), entry.index.modify))
    }

    fn somebody(&mut self) -> Option<(u64, Up)> {
        let id = self.random.random_range(1..=self.world.count);
        Some((id, self.world.up(id)?))
    }

    fn leader_as_somebody_knows(&mut self) -> Option<(u64, Up)> {
        let (_, up) = self.somebody()?;
        let leader = up.node.leader()?;
        let id = (1..=self.world.count).find(|id| address(*id).to_string() == leader)?;
        Some((id, self.world.at(&leader)?))
    }
}

fn attempt(written: Result<Applied, AgreementError>) -> Attempt {
    match written {
        Ok(Applied::Done { .. } | Applied::Transaction { .. }) => Attempt::Answered(Outcome::Done(true)),
        Ok(Applied::Refused(refusal)) => {
            assert!(refusal.is_unmet_condition(), "{refusal}");
            Attempt::Answered(Outcome::Done(false))
        }
        Err(AgreementError::NotLeader) => Attempt::Elsewhere,
        Err(AgreementError::Unconfirmed { .. }) => Attempt::Answered(Outcome::Unknown),
        // It says that it has not taken it.
        Err(AgreementError::Stopped { .. }) => Attempt::Answered(Outcome::Refused),
    }
}
