use super::error::ClientError;
use super::query::Query;
use super::request::Client;
use bytes::Bytes;
use http::Method;

const PATH: &str = "/v1/snapshot";

impl Client {
    /// An archive of all of the state.
    ///
    /// # Errors
    /// The agent refuses or goes away.
    pub async fn snapshot(&self, query: &Query) -> Result<Bytes, ClientError> {
        self.call(Method::GET, PATH, query, None).await
    }

    /// Replaces all of the state.
    ///
    /// # Errors
    /// The archive is refused, or the agent goes away.
    pub async fn restore(&self, archive: Bytes) -> Result<(), ClientError> {
        let response = self.send(Method::PUT, PATH, &Query::default(), Some(archive)).await?;
        self.whole(Method::PUT, PATH, response).await.map(drop)
    }
}
