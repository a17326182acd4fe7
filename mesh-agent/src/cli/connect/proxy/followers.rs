use super::follow::{Cursor, follow};
use super::identity::IdentityJoin;
use crate::cli::client::{AgentService, Answer, Client, ClientError, Intention, Query};
use crate::model::ServiceName;
use crate::proxy::IdentityFeed;
use crate::task::{Shutdown, TaskGroup};
use std::future::Future;
use tokio::sync::watch;

/// Starts the tasks that keep a proxy's view of its agent current.
pub(super) struct Followers<'a> {
    pub client: &'a Client,
    pub service: &'a ServiceName,
    pub tasks: &'a mut TaskGroup,
    pub shutdown: &'a Shutdown,
}

impl Followers<'_> {
    /// What the service shows to its peers and whom it trusts.
    pub fn identity(&mut self) -> IdentityFeed {
        let roots = self.start("the mesh's roots", |client, _, cursor| async move {
            client.agent_roots(&cursor.blocking(Query::new())).await
        });
        let leaf = self.start("the certificate", |client, service, cursor| async move {
            client.leaf(service.as_str(), &cursor.blocking(Query::new())).await
        });
        let (join, identity) = IdentityJoin::new(roots, leaf);
        self.tasks.spawn("identity", join.run(self.shutdown.clone()));
        identity
    }

    /// What bears on the service, so that open connections can be authorized again when it changes.
    pub fn intentions(&mut self) -> watch::Receiver<Option<Vec<Intention>>> {
        self.start("the intentions", |client, service, cursor| async move {
            client.match_intentions("destination", service.as_str(), cursor.blocking(Query::new())).await
        })
    }

    /// What a proxy is registered to do.
    pub fn registration(&mut self, id: String) -> watch::Receiver<Option<AgentService>> {
        self.start("the proxy's registration", move |client, _, cursor| {
            let id = id.clone();
            async move { client.agent_service(&id, cursor.hash.as_deref()).await }
        })
    }

    fn start<T, F>(
        &mut self,
        what: &'static str,
        ask: impl Fn(Client, ServiceName, Cursor) -> F + Send + 'static,
    ) -> watch::Receiver<Option<T>>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<Answer<T>, ClientError>> + Send + 'static,
    {
        let (send, answers) = watch::channel(None);
        let (client, service) = (self.client.clone(), self.service.clone());
        let ask = move |cursor| ask(client.clone(), service.clone(), cursor);
        self.tasks.spawn(what, follow(what.to_owned(), ask, send, self.shutdown.clone()));
        answers
    }
}
