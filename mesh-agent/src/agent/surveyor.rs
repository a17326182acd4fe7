use crate::dataplane::DataPlaneError;
use crate::dataplane::workload::{Hierarchy, HostView, Instance, Networks, Wanted, Workload};
use std::time::{Duration, Instant};

/// How old a survey may be. What bears on it and tells of itself is looked at before.
const STALE: Duration = Duration::from_secs(5);

/// How old a survey is at least before a hint makes a new one: a host may be busy with what seldom matters.
const YOUNG: Duration = Duration::from_secs(1);

/// Knows which sockets, cgroups and processes this host has, as of a moment ago.
pub(super) struct Surveyor {
    host: HostView,
    wanted: Option<Wanted>,
    taken: Option<Instant>,
    /// The cgroups of `mesh run` when that was: who starts a program by it does not wait.
    started: Vec<String>,
    /// Somebody knows of a change.
    told: bool,
    /// Something may have changed.
    hinted: bool,
    /// Where the workloads' processes are that are not in our network namespace, as of that moment.
    networks: (Option<Instant>, Networks),
}

impl Surveyor {
    pub fn new() -> Self {
        Self {
            host: HostView::default(),
            wanted: None,
            taken: None,
            started: Vec::new(),
            told: false,
            hinted: false,
            networks: (None, Networks::new()),
        }
    }

    /// The next look is a survey.
    pub fn tell(&mut self) {
        self.told = true;
    }

    /// As [`Self::tell`], as soon as the last survey is not young any more.
    pub fn hint(&mut self) {
        self.hinted = true;
    }

    /// Whether it is time for a survey. This is quick.
    pub fn is_due(&self) -> bool {
        let limit = if self.hinted { YOUNG } else { STALE };
        let stale = self.taken.is_none_or(|taken| taken.elapsed() >= limit);
        stale || self.told || Hierarchy::find().is_ok_and(|hierarchy| hierarchy.started() != self.started)
    }

    /// What there is, surveyed anew where it is time. Processes are looked through only when sockets or cgroups
    /// have changed.
    pub async fn look(&mut self, instances: &[Instance]) -> Result<&HostView, DataPlaneError> {
        if !self.is_due() {
            return Ok(&self.host);
        }
        let failed = |error: &dyn std::fmt::Display| DataPlaneError::new("told who is who", error);
        let hierarchy = Hierarchy::find().map_err(|error| failed(&error))?;
        let (known, before, instances) = (self.host.clone(), self.wanted.clone(), instances.to_vec());
        let look = move || {
            let (started, survey) = (hierarchy.started(), HostView::survey(&hierarchy));
            let wanted = Wanted::by(&instances, &survey.listeners);
            let same = Some(&wanted) == before.as_ref() && survey.cgroups == known.cgroups && !wanted.users;
            let processes = known.processes;
            let host = if same { HostView { processes, ..survey } } else { survey.with_processes(&wanted) };
            (host, wanted, started)
        };
        let looked = tokio::task::spawn_blocking(look).await.map_err(|error| failed(&error))?;
        (self.told, self.hinted, self.taken) = (false, false, Some(Instant::now()));
        let (host, wanted, started) = looked;
        (self.host, self.wanted, self.started) = (host, Some(wanted), started);
        Ok(&self.host)
    }

    /// In which other network namespaces these workloads are, looked up after each survey.
    pub async fn networks(&mut self, workloads: &[Workload]) -> Result<&Networks, DataPlaneError> {
        if self.networks.0 == self.taken {
            return Ok(&self.networks.1);
        }
        let failed = |error: &dyn std::fmt::Display| DataPlaneError::new("told who is where", error);
        let hierarchy = Hierarchy::find().map_err(|error| failed(&error))?;
        let workloads = workloads.to_vec();
        let looked = tokio::task::spawn_blocking(move || hierarchy.networks(&workloads)).await;
        self.networks = (self.taken, looked.map_err(|error| failed(&error))?);
        Ok(&self.networks.1)
    }
}
