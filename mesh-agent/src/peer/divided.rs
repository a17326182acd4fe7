use super::door::PeerDoor;
use super::question::method;
use crate::pki::cluster::NodeIdentity;
use crate::rpc::{Call, Handler, Refusal, Reply};
use crate::task::TaskGroup;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// Answers what servers ask of each other's Raft on the thread where it arrives, which is Raft's own, and everything
/// else on the threads that have time: a large answer shall not delay a heartbeat.
pub struct DividedDoor {
    pub door: Arc<PeerDoor>,
    pub elsewhere: Handle,
}

impl Handler for DividedDoor {
    fn most(&self, peer: &NodeIdentity, method: &str) -> usize {
        self.door.most(peer, method)
    }

    fn answer(&self, call: Call) -> BoxFuture<'_, Result<Reply, Refusal>> {
        if matches!(call.method.as_str(), method::RAFT | method::LEAD) {
            return self.door.answer(call);
        }
        Box::pin(self.answer_elsewhere(call))
    }
}

impl DividedDoor {
    /// Ends with the caller, as it would here.
    async fn answer_elsewhere(&self, call: Call) -> Result<Reply, Refusal> {
        let (door, (told, answer)) = (self.door.clone(), oneshot::channel());
        let mut task = TaskGroup::new();
        let work = async move {
            // A caller that has gone does not want it.
            let _ = told.send(door.answer(call).await);
        };
        task.spawn_on("rpc answer", work, &self.elsewhere);
        match answer.await {
            Ok(Ok(Reply::Frames(frames))) => Ok(Reply::Frames(self.frames_elsewhere(frames))),
            Ok(answer) => answer,
            Err(_) => Err(Refusal::new("this server could not answer; its log says why")),
        }
    }

    fn frames_elsewhere(&self, mut frames: BoxStream<'static, Bytes>) -> BoxStream<'static, Bytes> {
        let (sender, made) = mpsc::channel(1);
        let mut task = TaskGroup::new();
        let work = async move {
            while let Some(frame) = frames.next().await
                && sender.send(frame).await.is_ok()
            {}
        };
        task.spawn_on("rpc frames", work, &self.elsewhere);
        let next = |(mut made, task): (mpsc::Receiver<Bytes>, TaskGroup)| async move {
            Some((made.recv().await?, (made, task)))
        };
        stream::unfold((made, task), next).boxed()
    }
}
