use super::error::At;
use super::{FieldError, GoDuration};
use crate::model::{self, CheckId, Meta, PreparedQueryId, QueryFailover, QueryTemplate, RaftIndex};
use serde::{Deserialize, Serialize};

/// The one kind of template that there is.
const TEMPLATE: &str = "name_prefix_match";

/// A prepared query, both ways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct PreparedQuery {
    #[serde(rename(serialize = "ID"))]
    pub id: String,
    pub name: String,
    pub session: String,
    /// It is not kept: whoever executes a query sees what its own token may see.
    #[serde(skip_serializing)]
    pub token: String,
    pub template: Template,
    pub service: QueryService,
    #[serde(rename(serialize = "DNS"))]
    pub dns: QueryDns,
    pub create_index: u64,
    pub modify_index: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Template {
    pub r#type: String,
    pub regexp: String,
    pub remove_empty_tags: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct QueryService {
    pub service: String,
    pub failover: Failover,
    pub only_passing: bool,
    #[serde(rename(serialize = "IgnoreCheckIDs"))]
    pub ignore_check_ids: Option<Vec<String>>,
    pub near: String,
    pub tags: Option<Vec<String>>,
    pub node_meta: Option<Meta>,
    pub service_meta: Option<Meta>,
    pub connect: bool,
    #[serde(skip_serializing)]
    pub namespace: String,
    #[serde(skip_serializing)]
    pub partition: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Failover {
    pub nearest_n: u32,
    pub datacenters: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueryDns {
    #[serde(rename(serialize = "TTL"))]
    pub ttl: String,
}

impl From<&model::PreparedQuery> for PreparedQuery {
    fn from(query: &model::PreparedQuery) -> Self {
        let template = query.template.as_ref().map(|template| Template {
            r#type: TEMPLATE.to_owned(),
            regexp: template.regexp.clone(),
            remove_empty_tags: template.remove_empty_tags,
        });
        Self {
            id: query.id.to_string(),
            name: query.name.clone(),
            session: query.session.map(|id| id.to_string()).unwrap_or_default(),
            token: String::new(),
            template: template.unwrap_or_default(),
            service: QueryService::from(&query.service),
            dns: QueryDns { ttl: query.dns_ttl.map(|ttl| GoDuration(ttl).to_string()).unwrap_or_default() },
            create_index: query.index.create,
            modify_index: query.index.modify,
        }
    }
}

impl From<&model::QueryService> for QueryService {
    fn from(service: &model::QueryService) -> Self {
        let failover = &service.failover;
        Self {
            service: service.service.clone(),
            failover: Failover {
                nearest_n: failover.nearest,
                datacenters: Some(failover.datacenters.clone()).filter(|list| !list.is_empty()),
            },
            only_passing: service.only_passing,
            ignore_check_ids: Some(service.ignored_checks.iter().map(ToString::to_string).collect())
                .filter(|list: &Vec<String>| !list.is_empty()),
            near: service.near.clone(),
            tags: Some(service.tags.clone()),
            node_meta: Some(service.node_meta.clone()),
            service_meta: Some(service.service_meta.clone()),
            connect: service.connect,
            ..Self::default()
        }
    }
}

impl PreparedQuery {
    /// # Errors
    /// A field is missing or not valid.
    pub fn into_model(self, id: PreparedQueryId) -> Result<model::PreparedQuery, FieldError> {
        let session = Some(self.session).filter(|id| !id.is_empty());
        let ttl: Option<GoDuration> = Some(self.dns.ttl)
            .filter(|ttl| !ttl.is_empty())
            .map(|ttl| ttl.parse())
            .transpose()
            .at("dns.ttl")?;
        if self.service.service.is_empty() {
            return Err(FieldError::new("service.service", "Must provide a Service name to query"));
        }
        Ok(model::PreparedQuery {
            id,
            name: self.name,
            session: session.map(|id| id.parse()).transpose().at("session")?,
            template: template(self.template)?,
            service: self.service.into_model()?,
            dns_ttl: ttl.map(|ttl| ttl.0),
            index: RaftIndex::default(),
        })
    }
}

fn template(template: Template) -> Result<Option<QueryTemplate>, FieldError> {
    match template.r#type.as_str() {
        "" => Ok(None),
        TEMPLATE => {
            Ok(Some(QueryTemplate { regexp: template.regexp, remove_empty_tags: template.remove_empty_tags }))
        }
        other => {
            let reason = format!("unknown template type {other:?}: there is \"{TEMPLATE}\"");
            Err(FieldError::new("template.type", reason))
        }
    }
}

impl QueryService {
    fn into_model(self) -> Result<model::QueryService, FieldError> {
        let ignored = self.ignore_check_ids.unwrap_or_default();
        Ok(model::QueryService {
            service: self.service,
            failover: QueryFailover {
                nearest: self.failover.nearest_n,
                datacenters: self.failover.datacenters.unwrap_or_default(),
            },
            only_passing: self.only_passing,
            ignored_checks: ignored
                .iter()
                .map(|id| CheckId::new(id))
                .collect::<Result<_, _>>()
                .at("service.ignore_check_ids")?,
            near: self.near,
            tags: self.tags.unwrap_or_default(),
            node_meta: self.node_meta.unwrap_or_default(),
            service_meta: self.service_meta.unwrap_or_default(),
            connect: self.connect,
        })
    }
}
