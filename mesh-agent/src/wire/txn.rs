use super::error::At;
use super::kv::KvPair;
use super::{FieldError, HealthCheck, Node, Service};
use crate::model::{self, CheckId, Datacenter, KvValue, NodeName, NodeService, RaftIndex, SessionId};
use crate::model::{CheckStatus, Opaque, ServiceId, ServiceName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// One operation of `/v1/txn`: exactly one of these is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TxnOperation {
    pub kv: Option<TxnKv>,
    pub node: Option<TxnNode>,
    pub service: Option<TxnService>,
    pub check: Option<TxnCheck>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TxnKv {
    pub verb: String,
    pub key: String,
    /// Base64.
    pub value: Option<String>,
    pub flags: u64,
    pub index: u64,
    pub session: String,
    pub namespace: String,
    pub partition: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TxnNode {
    pub verb: String,
    pub node: Node,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TxnService {
    pub verb: String,
    pub node: String,
    pub service: Option<Service>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TxnCheck {
    pub verb: String,
    pub check: HealthCheck,
}

impl TxnKv {
    /// # Errors
    /// It is not base64.
    pub fn value(&self) -> Result<KvValue, FieldError> {
        let bytes = STANDARD.decode(self.value.as_deref().unwrap_or_default()).at("kv.value")?;
        Ok(KvValue(bytes.into()))
    }

    /// # Errors
    /// It is not a UUID.
    pub fn session(&self) -> Result<SessionId, FieldError> {
        let id = self.session.parse();
        id.map_err(|_| FieldError::new("kv.session", format!("invalid session {:?}", self.session)))
    }
}

impl TxnNode {
    /// `here` is this datacenter, where the node names none.
    ///
    /// # Errors
    /// A field is not valid.
    pub fn row(self, here: &Datacenter) -> Result<model::Node, FieldError> {
        let node = self.node;
        let id = Some(node.id).filter(|id| !id.is_empty());
        Ok(model::Node {
            id: id.map(|id| uuid::Uuid::parse_str(&id)).transpose().at("node.id")?,
            name: NodeName::new(&node.node).at("node.node")?,
            address: node.address,
            datacenter: here.clone(),
            tagged_addresses: node.tagged_addresses,
            meta: node.meta,
            index: RaftIndex { create: node.create_index, modify: node.modify_index },
        })
    }
}

impl TxnService {
    /// # Errors
    /// A field is missing or not valid.
    pub fn row(self) -> Result<(NodeName, NodeService), FieldError> {
        let node = NodeName::new(&self.node).at("service.node")?;
        let service = self.service.ok_or_else(|| FieldError::new("service.service", "it has to be there"))?;
        let modify = service.modify_index;
        let mut row = if service.service.is_empty() {
            named_by_id(&service.id)?
        } else {
            NodeService::try_from(service).map_err(|e| e.within("service.service"))?
        };
        row.index.modify = modify;
        Ok((node, row))
    }
}

/// To read or delete an instance, its id is enough.
fn named_by_id(id: &str) -> Result<NodeService, FieldError> {
    let id = ServiceId::new(id).at("service.service.id")?;
    let name = ServiceName::new("unnamed").expect("a constant that is a valid name");
    Ok(NodeService::new(id, name))
}

impl TxnCheck {
    /// # Errors
    /// A field is missing or not valid.
    pub fn row(self) -> Result<model::HealthCheck, FieldError> {
        let node = NodeName::new(&self.check.node).at("check.check.node")?;
        let (modify, status) = (self.check.modify_index, self.check.status.clone());
        let mut row = if status.is_empty() {
            named_check(&node, &self.check.check_id)?
        } else {
            self.check.into_model(&node, None).map_err(|e| e.within("check.check"))?
        };
        row.index.modify = modify;
        Ok(row)
    }
}

/// To read or delete a check, its node and id are enough.
fn named_check(node: &NodeName, id: &str) -> Result<model::HealthCheck, FieldError> {
    Ok(model::HealthCheck {
        node: node.clone(),
        id: CheckId::new(id).at("check.check.check_id")?,
        name: id.to_owned(),
        status: CheckStatus::Critical,
        notes: String::new(),
        output: String::new(),
        service_id: None,
        service_name: None,
        service_tags: Vec::new(),
        kind: String::new(),
        definition: Opaque::new(),
        index: RaftIndex::default(),
    })
}

/// What `/v1/txn` answers.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TxnAnswer {
    pub results: Option<Vec<TxnRow>>,
    pub errors: Option<Vec<TxnError>>,
}

/// What one operation has found or made.
#[derive(Clone, Debug, Serialize)]
pub enum TxnRow {
    #[serde(rename = "KV")]
    Kv(KvPair),
    Node(Node),
    Service(Box<TxnServiceRow>),
    Check(HealthCheck),
}

/// An instance with the name of its node.
#[derive(Clone, Debug, Serialize)]
pub struct TxnServiceRow {
    #[serde(rename = "Node")]
    pub node: String,
    #[serde(flatten)]
    pub service: Service,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TxnError {
    pub op_index: usize,
    pub what: String,
}
