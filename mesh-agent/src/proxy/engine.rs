use super::captured::TransparentSpec;
use super::connections::ConnectionManager;
use super::context::Context;
use super::counters::Counters;
use super::crew::Crew;
use super::error::ProxyError;
use super::ktls::KernelTls;
use super::listener::{InboundSpec, Leads, Listener, ListenerHandle, OutboundSpec};
use super::mailbox::Mail;
use super::worker::Worker;
use crate::task::Shutdown;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Limits of an engine.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Threads; one per core pays best.
    pub workers: usize,
    /// Connections held at a time, in all phases; more are reset.
    pub max_connections: usize,
    /// For an instance of a destination, and for the application behind an inbound listener.
    pub connect_timeout: Duration,
    pub handshake_timeout: Duration,
    /// For the authorizer's answer.
    pub authorize_timeout: Duration,
    /// How long open connections may go on after shutdown has begun.
    pub drain: Duration,
    /// What the kernel may do of TLS.
    pub ktls: Option<KernelTls>,
    /// Records that one key protects at most; fewer where its suite says so (RFC 8446, 5.5).
    pub records_per_key: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            workers: thread::available_parallelism().map_or(1, std::num::NonZero::get),
            max_connections: 32_768,
            connect_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(5),
            authorize_timeout: Duration::from_secs(5),
            drain: Duration::from_secs(5),
            ktls: None,
            records_per_key: u64::MAX,
        }
    }
}

/// The worker threads and their listeners. A cheap handle: the threads end when the last one is dropped,
/// or when [`Engine::run`] has drained them.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    crew: Arc<Crew>,
    counters: Arc<Counters>,
    manager: Arc<ConnectionManager>,
    next_listener: AtomicU32,
    drain: Duration,
    /// One for each thread, told when it ends.
    ends: Mutex<Vec<oneshot::Receiver<()>>>,
}

impl Engine {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system refuses threads or descriptors.
    pub fn start(options: EngineOptions) -> Result<Self, ProxyError> {
        let (counters, manager) = (Arc::new(Counters::default()), Arc::new(ConnectionManager::default()));
        let refused = |source| ProxyError::Resources { what: "event queue", source };
        let crew = Arc::new(Crew::new(options.workers).map_err(refused)?);
        let start = |index| {
            let context = Context::new(crew.clone(), index, options, counters.clone(), manager.clone());
            start_worker(index, context.map_err(refused)?)
        };
        let ends = (0..crew.mailboxes().len()).map(start).collect::<Result<Vec<_>, _>>()?;
        let shared = Shared {
            crew,
            counters,
            manager,
            next_listener: AtomicU32::new(0),
            drain: options.drain,
            ends: Mutex::new(ends),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Listens for other services' connections.
    ///
    /// # Errors
    /// The address cannot be bound; the message says what to do.
    pub fn inbound(&self, spec: InboundSpec) -> Result<ListenerHandle, ProxyError> {
        let (service, bind) = (spec.service.clone(), spec.bind);
        self.listen(service.as_str(), bind, spec.into())
    }

    /// Listens for the application's connections to another service.
    ///
    /// # Errors
    /// The address cannot be bound; the message says what to do.
    pub fn outbound(&self, spec: OutboundSpec) -> Result<ListenerHandle, ProxyError> {
        let (service, bind) = (spec.source.clone(), spec.bind);
        self.listen(service.as_str(), bind, spec.into())
    }

    /// Listens for connections that the kernel sends here. All others are reset.
    ///
    /// # Errors
    /// The address cannot be bound; the message says what to do.
    pub fn transparent(&self, spec: TransparentSpec) -> Result<ListenerHandle, ProxyError> {
        self.listen("of every local service", spec.bind, spec.into())
    }

    fn listen(&self, service: &str, bind: SocketAddr, leads: Leads) -> Result<ListenerHandle, ProxyError> {
        let id = self.shared.next_listener.fetch_add(1, Relaxed);
        let listener = Listener::bind(id, service, bind, leads)?;
        ListenerHandle::new(listener, self.shared.crew.clone())
            .map_err(|source| ProxyError::bind(service, bind, source))
    }

    pub fn connections(&self) -> &Arc<ConnectionManager> {
        &self.shared.manager
    }

    pub fn counters(&self) -> &Arc<Counters> {
        &self.shared.counters
    }

    /// Waits for shutdown, then stops listening and gives open connections [`EngineOptions::drain`] to end;
    /// what is open then is reset.
    pub async fn run(self, shutdown: Shutdown) {
        shutdown.begun().await;
        let ends = std::mem::take(&mut *self.shared.ends.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.end_by(Instant::now() + self.shared.drain);
        for end in ends {
            // A thread that has panicked has ended too, and said so.
            end.await.ok();
        }
    }
}

impl Shared {
    fn end_by(&self, end: Instant) {
        for mailbox in self.crew.mailboxes() {
            mailbox.post(Mail::Drain(end));
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.end_by(Instant::now());
    }
}

fn start_worker(index: usize, context: Context) -> Result<oneshot::Receiver<()>, ProxyError> {
    let refused = |source: io::Error| ProxyError::Resources { what: "worker thread", source };
    let mut worker = Worker::new(context).map_err(refused)?;
    let (ended, end) = oneshot::channel();
    let work = move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| worker.run()));
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a proxy worker ended; its connections are reset"),
            Err(_) => tracing::error!("a proxy worker panicked; its connections are reset, please report it"),
        }
        worker.reset_all();
        drop(worker);
        ended.send(()).ok();
    };
    thread::Builder::new().name(format!("mesh-proxy-{index}")).spawn(work).map_err(refused)?;
    Ok(end)
}
