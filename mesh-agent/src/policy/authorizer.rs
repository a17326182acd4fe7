use super::MeshSnapshot;
use crate::intention::IntentionDecision;
use crate::model::ServiceName;
use crate::pki::{SpiffeId, TrustDomain};
use arc_swap::ArcSwap;
use std::sync::Arc;

/// Answers from the newest snapshot, without a lock and without asking anybody. Clones share it.
#[derive(Clone)]
pub struct Authorizer {
    current: Arc<ArcSwap<MeshSnapshot>>,
}

impl Authorizer {
    /// Refuses everything until there is a snapshot.
    pub(super) fn new() -> Self {
        Self { current: Arc::new(ArcSwap::from_pointee(MeshSnapshot::unknown())) }
    }

    pub(super) fn replace(&self, snapshot: Arc<MeshSnapshot>) {
        self.current.store(snapshot);
    }

    /// The snapshot that answers now.
    pub fn snapshot(&self) -> Arc<MeshSnapshot> {
        self.current.load_full()
    }

    /// Whether `client`, an identity proved by its certificate, may connect to the local service `target`
    /// of the mesh `trust_domain`. Intentions name services, whatever datacenter these are in.
    pub fn authorize(
        &self,
        client: &SpiffeId,
        target: &ServiceName,
        trust_domain: &TrustDomain,
    ) -> IntentionDecision {
        if client.trust_domain != *trust_domain {
            return IntentionDecision::refused(format_args!(
                "Identity from an external trust domain: {client}, while this mesh is {trust_domain}"
            ));
        }
        self.current.load().decide(&client.service, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intention::fixture::{intention, service};
    use crate::model::{Intention, IntentionAction};
    use crate::policy::compile;
    use crate::state::{Command, Store};

    fn allowing_all() -> Authorizer {
        let store = Store::default();
        let rule = Intention::clone(&intention("web", "db", IntentionAction::Deny));
        store.apply(1, vec![Command::PutIntention(Box::new(rule))]);
        let authorizer = Authorizer::new();
        authorizer.replace(Arc::new(compile(&store.state(), IntentionAction::Allow)));
        authorizer
    }

    fn ask(authorizer: &Authorizer, client: &str) -> IntentionDecision {
        let client = SpiffeId::parse(client).unwrap();
        let home = TrustDomain::new("home.consul").unwrap();
        authorizer.authorize(&client, &service("db"), &home)
    }

    #[test]
    fn only_identities_of_this_mesh_are_looked_up_whatever_their_datacenter() {
        let cases = [
            ("spiffe://home.consul/ns/default/dc/dc1/svc/api", true, "Default behavior configured by ACLs"),
            ("spiffe://home.consul/ns/default/dc/dc1/svc/web", false, "Matched intention: web => db (deny)"),
            (
                "spiffe://evil.consul/ns/default/dc/dc1/svc/api",
                false,
                "Identity from an external trust domain",
            ),
            ("spiffe://home.consul/ns/default/dc/dc2/svc/api", true, "Default behavior configured by ACLs"),
            ("spiffe://home.consul/ns/default/dc/dc2/svc/web", false, "Matched intention: web => db (deny)"),
        ];
        for (client, allowed, reason) in cases {
            let decision = ask(&allowing_all(), client);
            assert_eq!(decision.allowed, allowed, "{client}");
            assert!(decision.reason.starts_with(reason), "{}", decision.reason);
        }
    }

    #[test]
    fn nothing_is_allowed_before_the_first_snapshot() {
        assert!(!ask(&Authorizer::new(), "spiffe://home.consul/ns/default/dc/dc1/svc/api").allowed);
    }
}
