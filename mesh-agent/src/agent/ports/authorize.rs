use crate::ca::CaManager;
use crate::policy::Authorizer;
use crate::proxy::{Answer, Authorize, AuthorizeRequest, Decision};
use std::sync::Arc;

/// The proxy asks the node's policy, which answers from memory.
pub(in crate::agent) struct PolicyAuthorize {
    pub authorizer: Authorizer,
    pub ca: Arc<CaManager>,
}

impl PolicyAuthorize {
    fn decide(&self, request: &AuthorizeRequest) -> Decision {
        let trust_domain = match self.ca.trust_domain() {
            Ok(trust_domain) => trust_domain,
            Err(error) => return Decision::deny(error.to_string()),
        };
        let decision = self.authorizer.authorize(&request.client, &request.target, &trust_domain);
        Decision { allowed: decision.allowed, reason: decision.reason }
    }
}

impl Authorize for PolicyAuthorize {
    fn authorize(&self, request: AuthorizeRequest, answer: Answer) {
        answer.give(self.decide(&request));
    }
}
