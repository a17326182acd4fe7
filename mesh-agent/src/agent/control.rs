use crate::catalog::Later;
use crate::http;
use tokio::sync::{mpsc, oneshot};

/// What somebody asks of the agent as a whole.
pub(super) enum Request {
    Reload(oneshot::Sender<Result<(), String>>),
    Leave,
    /// Something that the agent cannot do without has failed, for this reason.
    End(String),
}

/// Requests that wait for the agent's attention.
const QUEUE: usize = 16;

/// The doors' way to the agent; its owner answers one request at a time.
#[derive(Clone)]
pub(super) struct Control {
    requests: mpsc::Sender<Request>,
}

impl Control {
    pub fn new() -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(QUEUE);
        (Self { requests }, receiver)
    }

    /// The agent ends, with a status that says that it failed.
    pub async fn end(&self, reason: String) {
        // Where nobody listens any more it is ending already.
        let _ = self.send(Request::End(reason)).await;
    }

    async fn send(&self, request: Request) -> Result<(), String> {
        self.requests.send(request).await.map_err(|_| "the agent is shutting down".to_owned())
    }
}

impl http::Control for Control {
    fn reload(&self) -> Later<'_, Result<(), String>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            self.send(Request::Reload(reply)).await?;
            answer.await.map_err(|_| "the agent is shutting down".to_owned())?
        })
    }

    fn leave(&self) -> Later<'_, Result<(), String>> {
        Box::pin(self.send(Request::Leave))
    }
}
