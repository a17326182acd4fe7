use crate::cli::client::Client;
use crate::proxy::{Answer, Authorize, AuthorizeRequest, Decision};
use crate::task::{Shutdown, TaskGroup};
use tokio::sync::mpsc;

/// Questions that wait for the agent; more are denied at once.
const WAITING: usize = 1_024;

/// Questions that the agent is asked at a time.
const AT_A_TIME: usize = 64;

/// The proxy's side: hands questions from its threads to [`AgentAuthorizer`].
pub(super) struct AskAgent(mpsc::Sender<(AuthorizeRequest, Answer)>);

impl Authorize for AskAgent {
    /// An answer that finds no room is dropped, which denies.
    fn authorize(&self, request: AuthorizeRequest, answer: Answer) {
        if let Err(error) = self.0.try_send((request, answer)) {
            tracing::warn!(%error, "too many connections wait for the agent's verdict; this one is denied");
        }
    }
}

/// Asks the agent whether connections may pass.
pub(super) struct AgentAuthorizer {
    client: Client,
    questions: mpsc::Receiver<(AuthorizeRequest, Answer)>,
}

impl AgentAuthorizer {
    pub fn new(client: Client) -> (Self, AskAgent) {
        let (ask, questions) = mpsc::channel(WAITING);
        (Self { client, questions }, AskAgent(ask))
    }

    pub async fn run(mut self, shutdown: Shutdown) {
        let mut asking = TaskGroup::new();
        loop {
            tokio::select! {
                Some(ended) = asking.next_ended(), if !asking.is_empty() => drop(ended),
                Some((request, answer)) = self.questions.recv(), if asking.len() < AT_A_TIME => {
                    let client = self.client.clone();
                    asking.spawn("authorize", async move { answer.give(decide(&client, &request).await) });
                }
                () = shutdown.begun() => return,
            }
        }
    }
}

/// Whatever goes wrong denies.
async fn decide(client: &Client, request: &AuthorizeRequest) -> Decision {
    let asked = client.authorize(request.target.as_str(), &request.client.to_string(), &request.serial).await;
    match asked {
        Ok(verdict) => Decision { allowed: verdict.authorized, reason: verdict.reason },
        Err(error) => Decision::deny(format!("the agent could not be asked: {error}")),
    }
}
