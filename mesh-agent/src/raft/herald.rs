use super::RaftError;
use super::types::NodeId;
use openraft::error::Fatal;
use openraft::{BasicNode, RaftMetrics};
use tokio::sync::watch;

/// Tells what seldom changes of what the core says of itself. The core speaks several times for each entry, and
/// whoever listened to it on another thread would be woken each time.
pub(super) struct Herald {
    pub(super) metrics: watch::Receiver<Metrics>,
    pub(super) news: watch::Sender<News>,
}

pub(super) type Metrics = RaftMetrics<NodeId, BasicNode>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// The address of the server that this one believes to lead, as `ip:port`.
    pub(super) leader: Option<String>,
    pub(super) ended: Option<Ended>,
}

/// How the core has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    InOrder,
    Failed(String),
}

impl Herald {
    /// Until the core has ended.
    pub(super) async fn run(mut self) {
        loop {
            let news = News::of(&self.metrics.borrow_and_update());
            let ended = news.ended.is_some();
            self.tell(news);
            if ended {
                return;
            }
            if self.metrics.changed().await.is_err() {
                return self.tell(News { leader: None, ended: Some(Ended::InOrder) });
            }
        }
    }

    fn tell(&self, news: News) {
        self.news.send_if_modified(|known| {
            let others = *known != news;
            *known = news;
            others
        });
    }
}

impl News {
    fn of(metrics: &Metrics) -> Self {
        let membership = metrics.membership_config.membership();
        let leader = metrics.current_leader.and_then(|id| membership.get_node(&id));
        let ended = metrics.running_state.as_ref().err().map(|fatal| match fatal {
            Fatal::Stopped => Ended::InOrder,
            fatal => Ended::Failed(fatal.to_string()),
        });
        Self { leader: leader.map(|node| node.addr.clone()), ended }
    }
}

impl Ended {
    pub(super) fn result(self) -> Result<(), RaftError> {
        match self {
            Self::InOrder => Ok(()),
            Self::Failed(reason) => Err(RaftError::Failed { reason }),
        }
    }
}
