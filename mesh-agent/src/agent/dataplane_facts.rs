use crate::catalog::Later;
use crate::dataplane::workload::Identities;
use crate::dataplane::{Guarded, Mode};
use crate::http::{DataPlane, DataPlaneFacts};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Questions that wait.
const QUEUE: usize = 16;

/// How long the data plane may take to say how it fares.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks whoever keeps the data plane, when somebody wants to know: the kernel's facts are dear.
#[derive(Clone)]
pub(super) struct AskDataPlane {
    questions: mpsc::Sender<oneshot::Sender<DataPlaneFacts>>,
}

/// Where the questions arrive.
pub(super) type Questions = mpsc::Receiver<oneshot::Sender<DataPlaneFacts>>;

impl AskDataPlane {
    pub fn new() -> (Self, Questions) {
        let (questions, receiver) = mpsc::channel(QUEUE);
        (Self { questions }, receiver)
    }

    async fn ask(&self) -> Option<DataPlaneFacts> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(reply).await.ok()?;
        answer.await.ok()
    }
}

impl DataPlane for AskDataPlane {
    fn facts(&self) -> Later<'_, DataPlaneFacts> {
        Box::pin(async {
            let answer = tokio::time::timeout(PATIENCE, self.ask()).await.ok().flatten();
            answer.unwrap_or_else(|| [("mode".to_owned(), "unknown: it does not answer".to_owned())].into())
        })
    }
}

/// Network namespaces other than the agent's, by their inode numbers: a service that is in there, and how it fares.
pub(super) type Places = BTreeMap<u64, (String, String)>;

/// Who is elsewhere, and whether the agent is there for them.
pub(super) fn of_places(places: &Places) -> DataPlaneFacts {
    let told = places.iter();
    told.map(|(inode, (service, how))| (format!("network.{inode}"), format!("{how} ({service} is in it)")))
        .collect()
}

/// How connections come into the mesh, and why so.
pub(super) fn of_mode(mode: &Mode) -> DataPlaneFacts {
    let mut told = DataPlaneFacts::new();
    told.insert("mode".to_owned(), mode.as_str().to_owned());
    if let Mode::Userspace { reason } = mode {
        told.insert("reason".to_owned(), reason.clone());
    }
    told
}

/// Who is who, and who is guarded.
pub(super) fn of_services(identities: &Identities, guarded: &[Guarded]) -> DataPlaneFacts {
    let mut told = DataPlaneFacts::new();
    for workload in &identities.bound {
        let paths: Vec<_> = workload.cgroups.iter().map(|cgroup| cgroup.path.as_str()).collect();
        let how = format!("{} (by {})", paths.join(" "), workload.by.as_str());
        told.insert(format!("service.{}", workload.service), how);
    }
    for unbound in &identities.unbound {
        told.insert(format!("service.{}", unbound.service), format!("not bound: {}", unbound.reason));
    }
    for Guarded { service, app } in guarded {
        let bound = identities.bound.iter().any(|workload| workload.service.folded() == service.folded());
        let how = if bound { "guarded" } else { "NOT guarded, for none of its processes is known" };
        told.insert(format!("strict.{service}"), format!("{how}: {app}"));
    }
    told
}
