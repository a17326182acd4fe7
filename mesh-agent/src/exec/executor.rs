use super::desk::Desk;
use super::error::ExecError;
use super::order::Order;
use super::run::Run;
use crate::task::{Shutdown, TaskGroup};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Carries out what is ordered, several orders at a time, until the shutdown, which kills what runs.
pub struct Executor {
    desk: Arc<dyn Desk>,
    node: String,
    orders: mpsc::Receiver<Bytes>,
    running: TaskGroup,
    /// An event that comes twice is one order.
    known: VecDeque<Uuid>,
}

/// Orders that may wait to be looked at.
pub const MOST_WAITING: usize = 16;
/// Commands at a time.
const MOST_RUNNING: usize = 8;
/// Sessions remembered.
const MOST_KNOWN: usize = 256;

impl Executor {
    /// Orders are payloads of the event.
    pub fn new(desk: Arc<dyn Desk>, node: String, orders: mpsc::Receiver<Bytes>) -> Self {
        Self { desk, node, orders, running: TaskGroup::new(), known: VecDeque::new() }
    }

    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            let payload = tokio::select! {
                Some(payload) = self.orders.recv() => payload,
                () = shutdown.begun() => return,
                else => return,
            };
            self.running.reap();
            match Order::parse(&payload) {
                Ok(order) => self.begin(order),
                Err(error) => tracing::warn!(%error, "a remote command was refused"),
            }
        }
    }

    fn begin(&mut self, order: Order) {
        let session = order.session;
        if self.known.contains(&session) {
            return;
        }
        if self.running.len() >= MOST_RUNNING {
            tracing::warn!(%session, most = MOST_RUNNING, "a remote command was refused: too many run");
            return;
        }
        if self.known.len() == MOST_KNOWN {
            self.known.pop_front();
        }
        self.known.push_back(session);
        let run = Run { desk: self.desk.clone(), node: self.node.clone(), order };
        self.running.spawn("remote command", async move {
            match run.carry_out().await {
                Ok(status) => tracing::info!(%session, status, "a remote command has ended"),
                Err(ExecError::Ended) => tracing::info!(%session, "a remote command was called off"),
                Err(error) => tracing::warn!(%session, %error, "a remote command failed"),
            }
        });
    }
}
