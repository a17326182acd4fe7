use super::check_definition::{default_only, optional};
use super::error::At;
use super::service::Service;
use super::{FieldError, GoDuration, Node};
use crate::model::{
    self, CheckId, CheckStatus, NodeName, NodeService, Opaque, Probe, RaftIndex, ServiceId, ServiceName,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The result of a check, as the agent, the catalog and health show it and `catalog/register` takes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct HealthCheck {
    pub node: String,
    #[serde(rename(serialize = "CheckID"))]
    pub check_id: String,
    pub name: String,
    pub status: String,
    pub notes: String,
    pub output: String,
    #[serde(rename(serialize = "ServiceID"))]
    pub service_id: String,
    pub service_name: String,
    pub service_tags: Vec<String>,
    pub r#type: String,
    pub definition: Opaque,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Later clients send it; the definition says it too.
    #[serde(skip_serializing)]
    pub interval: String,
    #[serde(skip_serializing)]
    pub timeout: String,
    #[serde(skip_serializing)]
    pub exposed_port: u16,
    pub create_index: u64,
    pub modify_index: u64,
}

impl From<&model::HealthCheck> for HealthCheck {
    fn from(check: &model::HealthCheck) -> Self {
        Self {
            node: check.node.to_string(),
            check_id: check.id.to_string(),
            name: check.name.clone(),
            status: check.status.to_string(),
            notes: check.notes.clone(),
            output: check.output.clone(),
            service_id: check.service_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            service_name: check.service_name.as_ref().map(ToString::to_string).unwrap_or_default(),
            service_tags: check.service_tags.clone(),
            r#type: check.kind.clone(),
            definition: check.definition.clone(),
            create_index: check.index.create,
            modify_index: check.index.modify,
            ..Self::default()
        }
    }
}

impl HealthCheck {
    /// `node` and `service` are those of the registration that the check came with.
    ///
    /// # Errors
    /// A field is missing or not valid, or the check names another node.
    pub fn into_model(
        self,
        node: &NodeName,
        service: Option<&NodeService>,
    ) -> Result<model::HealthCheck, FieldError> {
        default_only("namespace", &self.namespace)?;
        if !self.node.is_empty() && !self.node.eq_ignore_ascii_case(node.as_str()) {
            let reason = format!("found {:?}, but the registration is of node {node:?}", self.node);
            return Err(FieldError::new("node", reason));
        }
        let id = if self.check_id.is_empty() { &self.name } else { &self.check_id };
        let service_id = optional(&self.service_id, ServiceId::new, "service_id")?;
        let service = service.filter(|service| Some(&service.id) == service_id.as_ref());
        let service_name = optional(&self.service_name, ServiceName::new, "service_name")?;
        Ok(model::HealthCheck {
            node: node.clone(),
            id: CheckId::new(id).at("check_id")?,
            status: status(&self.status)?,
            service_name: service_name.or_else(|| service.map(|service| service.name.clone())),
            service_tags: service.map(|service| service.tags.clone()).unwrap_or(self.service_tags),
            name: self.name,
            notes: self.notes,
            output: self.output,
            service_id,
            kind: self.r#type,
            definition: self.definition,
            index: RaftIndex::default(),
        })
    }
}

fn status(text: &str) -> Result<CheckStatus, FieldError> {
    match text {
        "" => Ok(CheckStatus::default()),
        _ => CheckStatus::parse(text).ok_or_else(|| {
            FieldError::new(
                "status",
                format!("found {text:?}, want \"passing\", \"warning\" or \"critical\""),
            )
        }),
    }
}

/// One entry of `/v1/health/service` and `/v1/health/connect`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "PascalCase"))]
pub struct ServiceEntry {
    pub node: Node,
    pub service: Service,
    pub checks: Vec<HealthCheck>,
}

impl ServiceEntry {
    pub fn new<'a>(
        node: &model::Node,
        service: &NodeService,
        checks: impl IntoIterator<Item = &'a model::HealthCheck>,
    ) -> Self {
        let checks = checks.into_iter().map(HealthCheck::from).collect();
        Self { node: node.into(), service: service.into(), checks }
    }
}

/// An entry of `/v1/agent/health/service/…`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "PascalCase"))]
pub struct ServiceHealth {
    pub aggregated_status: String,
    pub service: Service,
    pub checks: Vec<HealthCheck>,
}

/// The body of `/v1/agent/check/update/:id`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct CheckUpdate {
    pub status: String,
    pub output: String,
}

impl CheckUpdate {
    /// # Errors
    /// The status is none.
    pub fn status(&self) -> Result<CheckStatus, FieldError> {
        let known = CheckStatus::parse(&self.status);
        known.ok_or_else(|| {
            let reason = format!("found {:?}, want \"passing\", \"warning\" or \"critical\"", self.status);
            FieldError::new("status", reason)
        })
    }
}

/// What a result tells clients of its check: the `Definition` of a [`HealthCheck`]. Header values and
/// bodies may hold secrets and are left out.
pub fn public_definition(check: &model::CheckDefinition) -> Opaque {
    let mut map = Opaque::new();
    let mut put = |key: &str, value: serde_json::Value| {
        map.insert(key.to_owned(), value);
    };
    match &check.probe {
        Probe::Http { url, method, tls_skip_verify, .. } => {
            put("HTTP", json!(url));
            put("Method", json!(method));
            put("TLSSkipVerify", json!(tls_skip_verify));
        }
        Probe::Tcp { address } => put("TCP", json!(address)),
        Probe::Udp { address } => put("UDP", json!(address)),
        Probe::Grpc { target, tls, .. } => {
            put("GRPC", json!(target));
            put("GRPCUseTLS", json!(tls));
        }
        Probe::H2Ping { address, tls, .. } => {
            put("H2PING", json!(address));
            put("H2PingUseTLS", json!(tls));
        }
        Probe::Script { .. } | Probe::Ttl { .. } | Probe::Alias { .. } => return map,
    }
    put("Interval", json!(GoDuration(check.interval)));
    put("Timeout", json!(GoDuration(check.timeout)));
    if let Some(after) = check.deregister_critical_after {
        put("DeregisterCriticalServiceAfter", json!(GoDuration(after)));
    }
    map
}
