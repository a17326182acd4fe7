use super::buffer::Buffer;
use super::connections::ConnectionManager;
use super::counters::Counters;
use super::crew::Crew;
use super::engine::EngineOptions;
use super::mailbox::Mailbox;
use super::poller::Poller;
use super::pool::Pool;
use std::io;
use std::sync::Arc;

/// What the sessions of one worker share.
pub(super) struct Context {
    pub poller: Poller,
    pub pool: Pool,
    pub crew: Arc<Crew>,
    /// Which of the crew this is.
    pub worker: usize,
    pub counters: Arc<Counters>,
    pub manager: Arc<ConnectionManager>,
    pub options: EngineOptions,
}

impl Context {
    pub fn new(
        crew: Arc<Crew>,
        worker: usize,
        options: EngineOptions,
        counters: Arc<Counters>,
        manager: Arc<ConnectionManager>,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        Ok(Self { poller, pool: Pool::default(), crew, worker, counters, manager, options })
    }

    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.crew.mailboxes()[self.worker]
    }

    pub fn give_back(&mut self, buffer: &mut Option<Box<Buffer>>) {
        if let Some(buffer) = buffer.take() {
            self.pool.give(buffer);
        }
    }
}
