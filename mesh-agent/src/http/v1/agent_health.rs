use super::agent_services;
use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::http::read::REASON;
use crate::local::{LocalCheck, LocalService, LocalView};
use crate::model::{CheckStatus, ServiceId, ServiceName};
use crate::wire;
use http::{StatusCode, header};
use serde_json::json;
use std::sync::Arc;

/// How one of this node's instances fares, told by the status code too, for load balancers.
pub async fn by_id(call: Call) -> Answered {
    let id = ServiceId::new(call.named("service id")?)?;
    let view = call.deps.local.view();
    let Some(local) = view.services.get(&id).filter(|local| call.sees_service(&local.service.name)) else {
        let none = json!({"AggregatedStatus": "critical", "Service": null, "Checks": null});
        return absent(&call, &format!("ServiceId {id} not found"), &none);
    };
    let verdict = Verdict::of(&view, local);
    answer(&call, verdict, &shown(&view, local))
}

/// The same for all instances of a name; the worst of them counts.
pub async fn by_name(call: Call) -> Answered {
    let name = ServiceName::new(call.named("service name")?)?;
    let view = call.deps.local.view();
    let named = |local: &&Arc<LocalService>| local.service.name.folded() == name.folded();
    let instances: Vec<_> =
        view.services.values().filter(named).filter(|local| call.sees_service(&local.service.name)).collect();
    let Some(worst) = instances.iter().map(|local| Verdict::of(&view, local)).max() else {
        return absent(&call, &format!("ServiceName {name} Not Found"), &json!([]));
    };
    answer(&call, worst, &instances.iter().map(|local| shown(&view, local)).collect::<Vec<_>>())
}

/// What all checks that bear on an instance come to, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Checked(CheckStatus),
    Maintenance,
}

impl Verdict {
    fn of(view: &LocalView, local: &LocalService) -> Self {
        let verdicts = bearing(view, local).map(|check| match is_maintenance(check) {
            true => Self::Maintenance,
            false => Self::Checked(check.check.status),
        });
        verdicts.max().unwrap_or(Self::Checked(CheckStatus::Passing))
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Checked(status) => status.as_str(),
            Self::Maintenance => "maintenance",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Checked(CheckStatus::Passing) => StatusCode::OK,
            Self::Checked(CheckStatus::Warning) => StatusCode::TOO_MANY_REQUESTS,
            Self::Checked(CheckStatus::Critical) | Self::Maintenance => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The instance's own checks and those of the whole node.
fn bearing<'a>(view: &'a LocalView, local: &'a LocalService) -> impl Iterator<Item = &'a LocalCheck> {
    let bears =
        |check: &&LocalCheck| check.definition.service.as_ref().is_none_or(|id| *id == local.service.id);
    view.checks.values().map(|check| &**check).filter(bears)
}

fn is_maintenance(check: &LocalCheck) -> bool {
    let id = check.check.id.as_str();
    id == "_node_maintenance" || id.starts_with("_service_maintenance:")
}

fn shown(view: &LocalView, local: &LocalService) -> wire::ServiceHealth {
    wire::ServiceHealth {
        aggregated_status: Verdict::of(view, local).as_str().to_owned(),
        service: agent_services::shown(local),
        checks: bearing(view, local).map(|local| wire::HealthCheck::from(&local.check)).collect(),
    }
}

fn answer(call: &Call, verdict: Verdict, shown: &impl serde::Serialize) -> Answered {
    let answer = if wants_text(call)? { Answer::text(verdict.as_str()) } else { call.json_answer(shown)? };
    Ok(answer.status(verdict.status()))
}

fn absent(call: &Call, reason: &str, shown: &serde_json::Value) -> Answered {
    let answer = if wants_text(call)? { Answer::text(reason) } else { call.json_answer(shown)? };
    Ok(answer.status(StatusCode::NOT_FOUND).with(REASON, reason))
}

fn wants_text(call: &Call) -> Result<bool, ApiError> {
    match call.parameters.filled("format") {
        Some("text") => Ok(true),
        Some("json") => Ok(false),
        Some(other) => {
            Err(ApiError::bad_request(format!("format {other:?} is not known: want text or json")))
        }
        None => Ok(call.headers.get(header::ACCEPT).is_some_and(|accept| accept == "text/plain")),
    }
}
