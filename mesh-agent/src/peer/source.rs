use super::question::method;
use super::remote::RemoteServers;
use crate::rpc::{RpcError, decode};
use crate::view::{Frame, Frames, Source, SourceError};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;

/// A client agent's view comes from the server that it asks everything else, too.
impl Source for RemoteServers {
    fn follow(&self, at_least: u64) -> BoxFuture<'_, Result<Frames, SourceError>> {
        Box::pin(async move {
            let server = self.server().ok_or_else(|| SourceError {
                reason: "no server is known: give -join or -retry-join the address of one".to_owned(),
            })?;
            let frames = self.pool.stream(server, method::FOLLOW, &at_least, method::ASK).await;
            let frames = frames.map_err(|error| failed(&error))?;
            Ok(frames.into_stream().map(frame).boxed())
        })
    }

    fn avoid(&self) {
        if let Some(server) = self.server() {
            self.leave(server);
        }
    }
}

fn frame(frame: Result<Bytes, RpcError>) -> Result<Frame, SourceError> {
    frame.and_then(|bytes| decode("a frame of the view", &bytes)).map_err(|error| failed(&error))
}

fn failed(error: &RpcError) -> SourceError {
    SourceError { reason: error.to_string() }
}
