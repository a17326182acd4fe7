use super::context::Context;
use super::counters::{add, remove_one};
use super::crew::Arrival;
use super::failure::{Failure, Parties};
use super::leg::reset;
use super::listener::{Listener, ListenerId};
use super::mailbox::Mail;
use super::poller::Event;
use super::relay::Turn;
use super::session::Session;
use super::sessions::{Key, Sessions, Token};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Connections taken per wake-up, so that the other workers get their share.
const ACCEPTED: usize = 4;
/// How long a listener rests when the process has no descriptors left.
const REST: Duration = Duration::from_millis(100);
/// At most one line about exhausted resources in this time.
const COMPLAINT: Duration = Duration::from_secs(5);

/// One thread's loop: its epoll, its listeners' share, its sessions.
pub(super) struct Worker {
    context: Context,
    sessions: Sessions,
    listeners: HashMap<ListenerId, Arc<Listener>>,
    /// Listeners that rest, and until when.
    resting: Vec<(Instant, ListenerId)>,
    /// Sessions that have more to do.
    unfinished: Vec<Token>,
    deadlines: BinaryHeap<Reverse<(Instant, Token)>>,
    complained: Option<Instant>,
    draining: Option<Instant>,
}

impl Worker {
    pub fn new(context: Context) -> io::Result<Self> {
        context.poller.watch_bell(context.mailbox().bell(), Key::Bell.pack())?;
        Ok(Self {
            context,
            sessions: Sessions::default(),
            listeners: HashMap::new(),
            resting: Vec::new(),
            unfinished: Vec::new(),
            deadlines: BinaryHeap::new(),
            complained: None,
            draining: None,
        })
    }

    /// Serves until it has been drained.
    ///
    /// # Errors
    /// The kernel refuses to wait for events.
    pub fn run(&mut self) -> io::Result<()> {
        while !self.drained() {
            let timeout = self.timeout();
            let events = self.context.poller.wait(timeout)?;
            // What a connection waits for may come in time and be seen late, while this thread is busy with others:
            // only who had nothing to show when it last looked is late.
            let looked = Instant::now();
            for index in 0..events {
                self.handle(self.context.poller.event(index));
            }
            for token in std::mem::take(&mut self.unfinished) {
                self.drive(token, Session::advance);
            }
            self.meet_deadlines(looked);
        }
        Ok(())
    }

    fn drained(&self) -> bool {
        self.draining.is_some_and(|end| self.sessions.is_empty() || Instant::now() >= end)
    }

    /// Until the next thing that happens by itself.
    fn timeout(&self) -> Option<Duration> {
        if !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        let deadline = self.deadlines.peek().map(|Reverse((at, _))| *at);
        let rest = self.resting.iter().map(|(until, _)| *until).min();
        let next = [deadline, rest, self.draining].into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn handle(&mut self, event: Event) {
        match Key::unpack(event.key) {
            Key::Bell => self.open_mail(),
            Key::Listener(id) => self.accept(id),
            Key::Leg(token, side, epoch) => self.drive(token, |session, context| {
                session.note(side, epoch, event);
                session.advance(context)
            }),
        }
    }

    fn open_mail(&mut self) {
        for mail in self.context.mailbox().collect() {
            match mail {
                Mail::Listen(listener) => self.listen(listener),
                Mail::Unlisten(id) => self.unlisten(id),
                Mail::Adopt(arrival) => self.begin(arrival),
                Mail::Verdict(token, decision) => {
                    self.drive(token, |session, context| session.decided(decision, context));
                }
                Mail::Recheck(token) => self.drive(token, |session, context| {
                    session.rechecking(context);
                    Ok(Turn::Waiting)
                }),
                Mail::Drain(end) => self.drain(end),
            }
        }
    }

    fn listen(&mut self, listener: Arc<Listener>) {
        let key = Key::Listener(listener.id).pack();
        if let Err(error) = self.context.poller.watch_listener(&listener.socket, key) {
            tracing::error!(%error, "a proxy worker cannot wait for a listener's connections");
        }
        self.listeners.insert(listener.id, listener);
    }

    fn unlisten(&mut self, id: ListenerId) {
        if let Some(listener) = self.listeners.remove(&id) {
            self.context.poller.forget(&listener.socket);
        }
    }

    fn drain(&mut self, end: Instant) {
        for id in self.listeners.keys().copied().collect::<Vec<_>>() {
            self.unlisten(id);
        }
        self.draining = Some(end);
    }

    fn accept(&mut self, id: ListenerId) {
        let Some(listener) = self.listeners.get(&id).cloned() else { return };
        for _ in 0..ACCEPTED {
            match listener.socket.accept() {
                Ok((stream, from)) => self.receive(&listener, stream, from),
                Err(error) => match error.raw_os_error() {
                    Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => {
                        return self.rest(&listener, &error);
                    }
                    Some(libc::EINVAL | libc::EBADF) => return self.unlisten(id), // Its handle was dropped.
                    _ if error.kind() == io::ErrorKind::WouldBlock => return,
                    _ => {} // This one connection is already gone.
                },
            }
        }
    }

    fn receive(&mut self, listener: &Listener, stream: TcpStream, from: SocketAddr) {
        match listener.route_of(&stream) {
            Some(route) => self.admit(Arrival { stream, from, route }),
            None => {
                let parties =
                    Parties { direction: "transparent", from: &from, to: &"any service", left_out: None };
                Failure::Stranger.report(&parties, &self.context.counters);
                reset(&stream);
            }
        }
    }

    /// Stops accepting for a moment: a listener that stays readable would keep the thread spinning.
    fn rest(&mut self, listener: &Listener, error: &io::Error) {
        self.context.poller.forget(&listener.socket);
        self.resting.push((Instant::now() + REST, listener.id));
        self.complain(&format!(
            "cannot accept connections: {error}; raise the limit of open files (ulimit -n)"
        ));
    }

    fn complain(&mut self, text: &str) {
        if self.complained.is_none_or(|at| at.elapsed() > COMPLAINT) {
            self.complained = Some(Instant::now());
            tracing::error!("the proxy {text}");
        }
    }

    /// Gives it to the worker whose turn it is, if there is room.
    fn admit(&mut self, arrival: Arrival) {
        let counters = &self.context.counters;
        add(&counters.accepted, 1);
        if counters.active.load(Relaxed) >= self.context.options.max_connections as u64 {
            add(&counters.over_limit, 1);
            arrival.reset();
            let limit = self.context.options.max_connections;
            return self.complain(&format!("refuses connections: it already holds {limit}"));
        }
        add(&counters.active, 1);
        if let Some(arrival) = self.context.crew.assign(self.context.worker, arrival) {
            self.begin(arrival);
        }
    }

    fn begin(&mut self, Arrival { stream, from, route }: Arrival) {
        let token = self.sessions.reserve();
        self.sessions.put(token, Box::new(Session::new(from, route, token)));
        self.drive(token, |session, context| {
            stream.set_nonblocking(true)?;
            session.begin(stream, context)
        });
    }

    /// Lets a session do one thing, and does what follows from it.
    fn drive(&mut self, token: Token, act: impl FnOnce(&mut Session, &mut Context) -> Result<Turn, Failure>) {
        let Some(mut session) = self.sessions.take(token) else { return };
        let context = &mut self.context;
        let before = session.wake();
        let outcome = catch_unwind(AssertUnwindSafe(|| act(&mut session, context)));
        match outcome.unwrap_or(Err(Failure::Panicked)) {
            Ok(Turn::Finished) => session.finish(),
            Ok(turn) => {
                if turn == Turn::Unfinished {
                    self.unfinished.push(token);
                }
                if let Some(at) = session.wake().filter(|at| Some(*at) != before) {
                    self.deadlines.push(Reverse((at, token)));
                }
                return self.sessions.put(token, session);
            }
            Err(failure) => session.report(&failure, context),
        }
        drop(session);
        self.sessions.release(token);
        remove_one(&self.context.counters.active);
    }

    fn meet_deadlines(&mut self, now: Instant) {
        if self.deadlines.is_empty() && self.resting.is_empty() {
            return;
        }
        while let Some(Reverse((_, token))) = self.deadlines.peek().filter(|next| next.0.0 <= now).copied() {
            self.deadlines.pop();
            self.drive(token, |session, context| match session.wake() {
                Some(at) if at <= now => session.woken(now, context),
                _ => Ok(Turn::Waiting), // It has moved on since.
            });
        }
        let (over, resting) = self.resting.drain(..).partition(|(until, _)| *until <= now);
        self.resting = resting;
        let over: Vec<(Instant, ListenerId)> = over;
        for listener in over.iter().filter_map(|(_, id)| self.listeners.get(id).cloned()).collect::<Vec<_>>()
        {
            self.listen(listener);
        }
    }

    /// Resets every connection that is still open, and those that were about to come.
    pub fn reset_all(&mut self) {
        for mail in self.context.mailbox().collect() {
            if let Mail::Adopt(arrival) = mail {
                arrival.reset();
                remove_one(&self.context.counters.active);
            }
        }
        for token in self.sessions.tokens() {
            self.drive(token, |_, _| Err(Failure::Drained));
        }
    }
}
