use super::check_definition::default_only;
use super::error::At;
use super::time::rfc3339_millis;
use super::{FieldError, check_meta};
use crate::model::{self, IntentionAction, IntentionId, IntentionTarget, Meta, RaftIndex};
use serde::{Deserialize, Serialize};

/// An intention, both ways. What the agent sets itself is not looked at on the way in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Intention {
    #[serde(rename(serialize = "ID"))]
    pub id: String,
    pub description: String,
    #[serde(rename(serialize = "SourceNS"))]
    pub source_ns: String,
    pub source_name: String,
    #[serde(rename(serialize = "DestinationNS"))]
    pub destination_ns: String,
    pub destination_name: String,
    /// `consul`: the source is a service.
    pub source_type: String,
    pub action: String,
    pub meta: Meta,
    pub precedence: u8,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub updated_at: String,
    pub create_index: u64,
    pub modify_index: u64,
    #[serde(skip_serializing)]
    pub source_partition: String,
    #[serde(skip_serializing)]
    pub destination_partition: String,
    #[serde(skip_serializing)]
    pub source_peer: String,
    /// Clients of version 1.2 send these; they never meant anything.
    #[serde(skip_serializing)]
    pub default_addr: String,
    #[serde(skip_serializing)]
    pub default_port: u16,
    #[serde(skip_serializing)]
    pub hash: Option<String>,
    #[serde(skip_serializing)]
    pub permissions: Vec<model::Opaque>,
}

impl From<&model::Intention> for Intention {
    fn from(intention: &model::Intention) -> Self {
        Self {
            id: intention.id.to_string(),
            description: intention.description.clone(),
            source_ns: "default".to_owned(),
            source_name: intention.source.to_string(),
            destination_ns: "default".to_owned(),
            destination_name: intention.destination.to_string(),
            source_type: "consul".to_owned(),
            action: intention.action.to_string(),
            meta: intention.meta.clone(),
            precedence: intention.precedence(),
            created_at: rfc3339_millis(intention.created_at),
            updated_at: rfc3339_millis(intention.updated_at),
            create_index: intention.index.create,
            modify_index: intention.index.modify,
            ..Self::default()
        }
    }
}

impl Intention {
    /// The intention that the body describes, under an id and at a time (Unix milliseconds) that the
    /// caller decides.
    ///
    /// # Errors
    /// A name, the action, the source's type or metadata is not valid, or it wants what this version
    /// does not enforce.
    pub fn into_model(self, id: IntentionId, now: u64) -> Result<model::Intention, FieldError> {
        self.refuse_unsupported()?;
        check_meta("meta", &self.meta)?;
        Ok(model::Intention {
            id,
            source: IntentionTarget::parse(&self.source_name).at("source_name")?,
            destination: IntentionTarget::parse(&self.destination_name).at("destination_name")?,
            action: action(&self.action)?,
            description: self.description,
            meta: self.meta,
            created_at: now,
            updated_at: now,
            index: RaftIndex::default(),
        })
    }

    /// A rule that would be stored but not enforced is worse than none.
    fn refuse_unsupported(&self) -> Result<(), FieldError> {
        default_only("source_ns", &self.source_ns)?;
        default_only("destination_ns", &self.destination_ns)?;
        default_only("source_partition", &self.source_partition)?;
        default_only("destination_partition", &self.destination_partition)?;
        match () {
            () if !matches!(self.source_type.as_str(), "" | "consul") => {
                Err(FieldError::new("source_type", format!("found {:?}, want \"consul\"", self.source_type)))
            }
            () if !self.source_peer.is_empty() => {
                Err(FieldError::new("source_peer", "there are no peers: leave it out"))
            }
            () if !self.permissions.is_empty() => {
                Err(FieldError::new("permissions", "rules by request are not supported: give an action"))
            }
            () if self.description.len() > 512 => {
                let found = self.description.len();
                Err(FieldError::new("description", format!("{found} bytes, at most 512 are allowed")))
            }
            () => Ok(()),
        }
    }
}

fn action(text: &str) -> Result<IntentionAction, FieldError> {
    match text {
        "allow" => Ok(IntentionAction::Allow),
        "deny" => Ok(IntentionAction::Deny),
        _ => Err(FieldError::new("action", format!("found {text:?}, want \"allow\" or \"deny\""))),
    }
}

/// The answer to a create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    #[serde(rename(serialize = "ID"))]
    pub id: String,
}

/// The answer of `/v1/connect/intentions/check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "PascalCase"))]
pub struct IntentionCheck {
    pub allowed: bool,
}

/// The body of `/v1/agent/connect/authorize`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct AuthorizeRequest {
    /// The service that is asked for.
    pub target: String,
    #[serde(rename(serialize = "ClientCertURI"))]
    pub client_cert_uri: String,
    pub client_cert_serial: String,
    #[serde(skip_serializing)]
    pub namespace: String,
}

/// The answer of `/v1/agent/connect/authorize`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "PascalCase"))]
pub struct AuthorizeAnswer {
    pub authorized: bool,
    pub reason: String,
}
