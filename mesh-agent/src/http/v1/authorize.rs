use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::model::ServiceName;
use crate::pki::{SpiffeId, TrustDomain};
use crate::state::{GetCa, Query};
use crate::wire::{AuthorizeAnswer, AuthorizeRequest};

/// Whether the bearer of a client certificate may connect to a service. Answers from memory.
pub async fn authorize(call: Call) -> Answered {
    let asked: AuthorizeRequest = call.json()?;
    let target = ServiceName::new(&asked.target)?;
    call.enforce(Access::SERVICE_WRITE, target.as_str())?;
    let client = SpiffeId::parse(&asked.client_cert_uri)?;
    let home = trust_domain(&call)?;
    let decision = call.deps.authorizer.authorize(&client, &target, &home);
    call.json_answer(&AuthorizeAnswer { authorized: decision.allowed, reason: decision.reason })
}

fn trust_domain(call: &Call) -> Result<TrustDomain, ApiError> {
    let config = GetCa.run(&call.deps.catalog.state()).config;
    let cluster = config.ok_or_else(|| ApiError::internal("the CA is not set up yet: retry in a moment"))?;
    Ok(TrustDomain::of_cluster(cluster.cluster_id))
}
