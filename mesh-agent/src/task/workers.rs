use super::TaskGroup;
use super::attention::Attention;
use super::expectation::Expectation;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Threads that have a runtime each. A task stays on its thread, and what wakes it there wakes no other: on a runtime of
/// several threads each request that comes wakes a second one to look for more, which costs as much as the answer.
/// Dropping them aborts what still runs.
pub struct Workers {
    workers: Vec<Worker>,
    _abort: DropGuard,
}

struct Worker {
    inbox: mpsc::Sender<Job>,
    /// How many tasks it has.
    load: Arc<AtomicUsize>,
    ended: oneshot::Receiver<()>,
}

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tasks that wait for their thread; whoever has more waits too.
const QUEUE: usize = 256;

/// Between two beats of a [`metronome`].
const BEAT: Duration = Duration::from_secs(1);

/// Counts a task as long as it is there.
struct Counted(Arc<AtomicUsize>);

impl Workers {
    /// A thread for each core.
    ///
    /// # Errors
    /// The system gives no more threads or descriptors.
    pub fn start(name: &str) -> io::Result<Self> {
        Self::start_some(name, thread::available_parallelism().map_or(1, usize::from))
    }

    /// One thread, for tasks that talk most to each other.
    ///
    /// # Errors
    /// As [`Workers::start`].
    pub fn start_one(name: &str) -> io::Result<Self> {
        Self::start_some(name, 1)
    }

    fn start_some(name: &str, count: usize) -> io::Result<Self> {
        let abort = CancellationToken::new();
        let start = |index| Worker::start(&format!("{name}-{index}"), &abort);
        let workers = (0..count).map(start).collect::<io::Result<Vec<_>>>()?;
        Ok(Self { workers, _abort: abort.drop_guard() })
    }

    /// Hands a task to the thread that has the fewest.
    pub async fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let idlest = self.workers.iter().min_by_key(|worker| worker.load.load(Ordering::Relaxed));
        let worker = idlest.expect("one at least was started");
        let counted = Counted::new(&worker.load);
        let job = async move {
            task.await;
            drop(counted);
        };
        // A thread that has ended was told to.
        let _ = worker.inbox.send(Box::pin(job)).await;
    }

    /// What comes of a task there; nothing where it has panicked, or the threads end.
    pub async fn run<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (told, outcome) = oneshot::channel();
        let task = async move {
            // Whoever has gone does not want to know.
            let _ = told.send(task.await);
        };
        self.spawn(task).await;
        outcome.await.ok()
    }

    /// Waits for all tasks.
    pub async fn finish(self) {
        for Worker { inbox, ended, .. } in self.workers {
            drop(inbox);
            // Fails where the thread has panicked, which it has said itself.
            let _ = ended.await;
        }
    }
}

impl Worker {
    fn start(name: &str, abort: &CancellationToken) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (inbox, jobs) = mpsc::channel(QUEUE);
        let (end, ended) = oneshot::channel();
        let abort = abort.clone();
        let live = move || {
            work(&runtime, jobs, &abort);
            // Whoever has gone does not wait.
            let _ = end.send(());
        };
        thread::Builder::new().name(name.to_owned()).spawn(live)?;
        Ok(Self { inbox, load: Arc::default(), ended })
    }
}

fn work(runtime: &Runtime, mut jobs: mpsc::Receiver<Job>, abort: &CancellationToken) {
    let serve = async {
        let (mut beats, mut tasks) = (TaskGroup::new(), TaskGroup::new());
        beats.spawn("metronome", metronome());
        beats.spawn("attention", Attention::settle().pay());
        beats.spawn("expectation", Expectation::settle().wait());
        while let Some(job) = jobs.recv().await {
            tasks.spawn("worker", job);
            tasks.reap();
        }
        tasks.finish().await;
    };
    runtime.block_on(abort.run_until_cancelled(serve));
}

/// A timer that is sooner than all others has a runtime write to its own descriptor, to be woken for having it. With
/// one that is always sooner than the time-out of a request, no request does that.
async fn metronome() {
    let mut beat = tokio::time::interval(BEAT);
    loop {
        beat.tick().await;
    }
}

impl Counted {
    fn new(load: &Arc<AtomicUsize>) -> Self {
        load.fetch_add(1, Ordering::Relaxed);
        Self(load.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::Mutex;
    use tokio::sync::Barrier;

    #[tokio::test]
    async fn tasks_are_dealt_out_evenly_and_waited_for() {
        let workers = Workers::start("test").unwrap();
        let count = workers.workers.len();
        let (together, threads) = (Arc::new(Barrier::new(count)), Arc::new(Mutex::new(HashSet::new())));
        for _ in 0..count {
            let (together, threads) = (together.clone(), threads.clone());
            let task = async move {
                together.wait().await;
                threads.lock().unwrap().insert(thread::current().id());
            };
            workers.spawn(task).await;
        }
        workers.finish().await;
        assert_eq!(threads.lock().unwrap().len(), count);
    }

    #[tokio::test]
    async fn what_comes_of_a_task_is_told_and_a_panic_is_nothing() {
        let workers = Workers::start_one("test").unwrap();
        let here = thread::current().id();
        assert_ne!(workers.run(async { thread::current().id() }).await, Some(here));
        assert_eq!(
            workers.run(async move { assert!(thread::current().id() == here, "on purpose") }).await,
            None
        );
        assert_eq!(workers.run(async { 7 }).await, Some(7), "the thread goes on");
    }

    #[tokio::test]
    async fn what_still_runs_ends_with_them() {
        let workers = Workers::start("test").unwrap();
        let (kept, ended) = oneshot::channel::<()>();
        let forever = async move {
            std::future::pending::<()>().await;
            drop(kept);
        };
        workers.spawn(forever).await;
        drop(workers);
        assert!(ended.await.is_err());
    }
}
