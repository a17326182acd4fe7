use super::intention_exact::target;
use super::intentions::shown;
use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::intention::{Side, decide};
use crate::model::{Intention, IntentionTarget, ServiceName};
use crate::state::{MatchIntentions, Query, State, Topic};
use crate::wire;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The intentions that bear on each of some names.
pub async fn matching(call: Call) -> Answered {
    let side = side(call.parameters.required("by")?)?;
    call.parameters.required("name")?;
    let names: Result<Vec<_>, _> = call.parameters.all("name").map(target).collect();
    let reply = call.read(&MatchSeveral { side, names: names? }).await?;
    let lists = reply.map(|lists| {
        lists.iter().map(|(name, list)| (name.to_string(), shown(&call, list))).collect::<BTreeMap<_, _>>()
    });
    call.read_answer(&lists, None)
}

fn side(text: &str) -> Result<Side, ApiError> {
    match text {
        "source" => Ok(Side::Source),
        "destination" => Ok(Side::Destination),
        _ => Err(ApiError::bad_request(format!(
            "'by' parameter must be one of 'source' or 'destination', found {text:?}"
        ))),
    }
}

struct MatchSeveral {
    side: Side,
    names: Vec<IntentionTarget>,
}

impl Query for MatchSeveral {
    type Output = Vec<(IntentionTarget, Vec<Arc<Intention>>)>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Intentions]
    }
    fn run(&self, state: &State) -> Self::Output {
        let one = |name: &IntentionTarget| MatchIntentions { side: self.side, name: name.clone() }.run(state);
        self.names.iter().map(|name| (name.clone(), one(name))).collect()
    }
}

/// Whether one service may connect to another; asks the state itself, so that a write just made counts.
pub async fn check(call: Call) -> Answered {
    let source = service(&call, "source")?;
    let destination = service(&call, "destination")?;
    if let Some(kind) = call.parameters.filled("source-type").filter(|kind| *kind != "consul") {
        return Err(ApiError::bad_request(format!("source-type {kind:?} is not valid: want \"consul\"")));
    }
    call.enforce(Access::INTENTION_READ, destination.as_str())?;
    let name = IntentionTarget::Service(destination.clone());
    let reply = call.read(&MatchIntentions { side: Side::Destination, name }).await?;
    let default = call.deps.facts.default_policy;
    let allowed = |rules: Vec<_>| decide(&rules, &source, &destination, default).allowed;
    call.read_answer(&reply.map(|rules| wire::IntentionCheck { allowed: allowed(rules) }), None)
}

fn service(call: &Call, parameter: &'static str) -> Result<ServiceName, ApiError> {
    match target(call.parameters.required(parameter)?)? {
        IntentionTarget::Service(name) => Ok(name),
        IntentionTarget::Any => {
            Err(ApiError::bad_request(format!("'{parameter}' must name one service, found \"*\"")))
        }
    }
}
