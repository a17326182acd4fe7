use crate::model::ServiceName;
use crate::pki::SpiffeId;
use std::fmt;

/// Decides whether a connection may pass. The consumer's port: policy lives elsewhere.
pub trait Authorize: Send + Sync + 'static {
    /// Called on a worker thread, so it must not block: it answers at once from memory, or hands the
    /// answer to another thread and returns. An answer that is dropped, or late, denies.
    fn authorize(&self, request: AuthorizeRequest, answer: Answer);
}

/// Who wants to reach whom, as proved by the client's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizeRequest {
    pub client: SpiffeId,
    /// The certificate's serial number, bytes in lower-case hex joined by colons.
    pub serial: String,
    pub target: ServiceName,
}

/// What was decided, and by which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    /// Names the intention or default that decided; it ends up in the log.
    pub reason: String,
}

impl Decision {
    pub fn allow(reason: impl Into<String>) -> Self {
        Self { allowed: true, reason: reason.into() }
    }

    pub fn deny(reason: impl Into<String>) -> Self {
        Self { allowed: false, reason: reason.into() }
    }
}

/// The way back to the connection that asked. Dropping it denies.
pub struct Answer(Option<Box<dyn FnOnce(Decision) + Send>>);

impl Answer {
    /// An answer that is given to `deliver`.
    pub fn new(deliver: impl FnOnce(Decision) + Send + 'static) -> Self {
        Self(Some(Box::new(deliver)))
    }

    /// May be called from any thread.
    pub fn give(mut self, decision: Decision) {
        if let Some(deliver) = self.0.take() {
            deliver(decision);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(deliver) = self.0.take() {
            deliver(Decision::deny("the authorizer gave no answer"));
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("open", &self.0.is_some()).finish()
    }
}
