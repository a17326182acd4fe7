use futures_util::future::BoxFuture;
use uuid::Uuid;

/// A value, and the session that has its lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub value: Vec<u8>,
    pub session: Option<Uuid>,
}

/// Where jobs are read and what came of them is written: the cluster's values. Errors are for people.
pub trait Desk: Send + Sync {
    fn read<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Held>, String>>;
    /// Writes under a session's lock; `false` where that session has none to give, since it has ended.
    fn write<'a>(
        &'a self,
        key: &'a str,
        session: Uuid,
        value: Vec<u8>,
    ) -> BoxFuture<'a, Result<bool, String>>;
}
