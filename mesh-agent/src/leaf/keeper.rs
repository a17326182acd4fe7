use super::check::{Standing, is_current, recheck};
use super::entry::{Entry, Step};
use super::files::LeafFiles;
use super::job::{Answer, Job};
use super::manager::Want;
use super::schedule::reissue_after;
use super::trust::Trust;
use super::{CertSigner, LeafError, LeafOptions};
use crate::clock::Timestamp;
use crate::model::{IssuedCert, ServiceName};
use crate::state::CaView;
use crate::task::Shutdown;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Requests to the CA under way at once.
const MAX_ISSUING: usize = 16;
/// The clock is looked at this often, since it may be set, and machines may sleep.
const LOOK_AT_CLOCK_MILLIS: u64 = 60_000;

/// Owns the certificates of this node: gets them, renews them, lets go of them.
pub struct LeafKeeper {
    options: LeafOptions,
    signer: Arc<dyn CertSigner>,
    roots: watch::Receiver<CaView>,
    wants: mpsc::Receiver<Want>,
    files: Option<LeafFiles>,
    trust: Option<Trust>,
    entries: HashMap<ServiceName, Entry>,
    /// Read from disk, and not yet checked because no roots are known.
    kept: Vec<IssuedCert>,
    issuing: FuturesUnordered<BoxFuture<'static, Answer>>,
    random: StdRng,
    last_index: u64,
}

impl LeafKeeper {
    pub(super) fn new(
        options: LeafOptions,
        signer: Arc<dyn CertSigner>,
        roots: watch::Receiver<CaView>,
        wants: mpsc::Receiver<Want>,
    ) -> Self {
        let files = options.directory.clone().and_then(open_files);
        let kept = files.as_ref().map(|f| f.load(options.max_services)).unwrap_or_default();
        let random = StdRng::seed_from_u64(options.seed);
        let last_index = kept.iter().map(|c| c.index.modify).max().unwrap_or(0);
        let (trust, entries, issuing) = (None, HashMap::new(), FuturesUnordered::new());
        Self { options, signer, roots, wants, files, trust, entries, kept, issuing, random, last_index }
    }

    /// Until shutdown begins, or nobody can ask any more.
    pub async fn run(mut self, shutdown: Shutdown) {
        self.learn_roots();
        loop {
            let sleep = self.take_steps();
            tokio::select! {
                () = shutdown.begun() => return,
                want = self.wants.recv() => match want {
                    Some(want) => self.on_want(want),
                    None => return,
                },
                changed = self.roots.changed() => match changed {
                    Ok(()) => self.learn_roots(),
                    Err(_) => return,
                },
                Some((service, answer)) = self.issuing.next() => self.on_answer(&service, answer),
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    fn jitter(&mut self) -> f64 {
        self.random.random()
    }

    /// Grows over restarts too, so that a client which waits for a newer certificate is not left waiting.
    fn next_index(&mut self) -> u64 {
        self.last_index = (self.last_index + 1).max(self.now().seconds());
        self.last_index
    }

    fn on_want(&mut self, want: Want) {
        let (now, limit) = (self.now(), self.options.max_services);
        let full = self.entries.len() >= limit && !self.entries.contains_key(&want.service);
        let answer = match full {
            true => Err(LeafError::TooMany { limit }),
            false => Ok(self.entries.entry(want.service).or_insert_with(|| Entry::new(now)).subscribe(now)),
        };
        // Whoever has gone meanwhile needs no answer.
        let _ = want.reply.send(answer);
    }

    /// Does what is due, until nothing more is, and says how long that holds.
    fn take_steps(&mut self) -> Duration {
        loop {
            let now = self.now();
            let mut next = Timestamp(now.0.saturating_add(LOOK_AT_CLOCK_MILLIS));
            let mut due = Vec::new();
            for (service, entry) in &mut self.entries {
                next = entry.expires().map_or(next, |at| next.min(at));
                match entry.step(now) {
                    Step::Wait { until } => next = next.min(until),
                    step => due.push((service.clone(), step)),
                }
            }
            if !due.into_iter().fold(false, |done, (service, step)| self.take_step(&service, step) || done) {
                return Duration::from_millis(next.0.saturating_sub(now.0));
            }
        }
    }

    /// Whether it could be taken.
    fn take_step(&mut self, service: &ServiceName, step: Step) -> bool {
        match step {
            Step::Wait { .. } => return false,
            Step::Issue => return self.issue(service),
            Step::Withdraw => self.withdraw(service),
            Step::Forget => self.forget(service),
        }
        true
    }

    /// Nothing is asked before roots are known: an answer could not be checked. With too many requests
    /// under way, the end of one of them is when this is tried again.
    fn issue(&mut self, service: &ServiceName) -> bool {
        let Some(trust) = self.trust.as_ref().filter(|_| self.issuing.len() < MAX_ISSUING) else {
            return false;
        };
        let job = Job {
            identity: trust.identity(&self.options.datacenter, service),
            index: self.next_index(),
            signer: self.signer.clone(),
            roots: self.roots.clone(),
            files: self.files.clone(),
            clock: self.options.clock.clone(),
        };
        self.issuing.push(Box::pin(job.run()));
        if let Some(entry) = self.entries.get_mut(service) {
            entry.issuing = true;
        }
        true
    }

    fn on_answer(&mut self, service: &ServiceName, answer: Result<IssuedCert, LeafError>) {
        let (now, jitter) = (self.now(), self.jitter());
        let Some(entry) = self.entries.get_mut(service) else { return };
        entry.issuing = false;
        match answer {
            Ok(cert) => {
                tracing::info!(%service, serial = %cert.serial_number, valid_before = cert.valid_before, "issued a certificate");
                entry.adopt(cert, now, jitter);
                self.follow_roots(service);
            }
            Err(error) => {
                let valid_before = entry.cert().map(|c| c.valid_before);
                tracing::warn!(%error, %service, ?valid_before, "no new certificate; trying again");
                entry.failed(error, now, jitter);
            }
        }
    }

    fn withdraw(&mut self, service: &ServiceName) {
        tracing::error!(%service, "the certificate expired before another was issued; nobody is served with it any more");
        if let Some(entry) = self.entries.get_mut(service) {
            entry.withdraw();
        }
    }

    fn forget(&mut self, service: &ServiceName) {
        tracing::info!(%service, "letting go of an unused certificate");
        self.entries.remove(service);
        if let Some(files) = &self.files {
            files.remove(service);
        }
    }

    fn learn_roots(&mut self) {
        self.trust = Trust::from_view(&self.roots.borrow_and_update());
        self.adopt_kept();
        let services: Vec<ServiceName> = self.entries.keys().cloned().collect();
        for service in services {
            self.follow_roots(&service);
        }
    }

    /// Those that cannot be shown any more are dropped.
    fn adopt_kept(&mut self) {
        let Some(trust) = &self.trust else { return };
        let now = self.options.clock.now();
        for cert in std::mem::take(&mut self.kept) {
            let wanted = trust.identity(&self.options.datacenter, &cert.service);
            match recheck(&cert, &wanted, trust, now.seconds()) {
                Ok(()) => {
                    let entry = self.entries.entry(cert.service.clone()).or_insert_with(|| Entry::new(now));
                    entry.adopt(cert, now, self.random.random());
                }
                Err(error) => {
                    tracing::warn!(%error, service = %cert.service, "dropping a kept certificate");
                    self.files.iter().for_each(|files| files.remove(&cert.service));
                }
            }
        }
    }

    /// A certificate under another root than the one that signs is replaced soon, one that is trusted no
    /// more at once.
    fn follow_roots(&mut self, service: &ServiceName) {
        let (now, jitter) = (self.now(), self.jitter());
        let (Some(trust), Some(entry)) = (&self.trust, self.entries.get_mut(service)) else { return };
        let Some(cert) = entry.cert() else { return };
        match is_current(&cert, trust, now.seconds()) {
            Standing::Current => {}
            Standing::UnderOldRoot => entry.hasten(now, reissue_after(jitter)),
            Standing::Untrusted => entry.hasten(now, Duration::ZERO),
        }
    }
}

fn open_files(directory: std::path::PathBuf) -> Option<LeafFiles> {
    let shown = directory.display().to_string();
    LeafFiles::open(directory)
        .inspect_err(|error| tracing::warn!(%error, directory = shown, "certificates will not survive a restart: the directory cannot be used"))
        .ok()
}
