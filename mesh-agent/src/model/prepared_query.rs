use super::{CheckId, Meta, RaftIndex, SessionId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub type PreparedQueryId = uuid::Uuid;

/// A question about a service that is asked by name, over HTTP and DNS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreparedQuery {
    pub id: PreparedQueryId,
    /// Empty where it is asked by id alone. Of a template, what the names that it answers begin with.
    pub name: String,
    /// It goes when this session ends.
    pub session: Option<SessionId>,
    pub template: Option<QueryTemplate>,
    pub service: QueryService,
    /// How long resolvers may keep the answer.
    pub dns_ttl: Option<Duration>,
    pub index: RaftIndex,
}

/// It answers every name that begins with its own, unless another template's is longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryTemplate {
    /// Its groups can be put into the question; empty for none.
    pub regexp: String,
    /// Tags that come out empty are left out.
    pub remove_empty_tags: bool,
}

/// Which instances are wanted. In a template, texts may hold `${name.full}` and the like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryService {
    pub service: String,
    pub failover: QueryFailover,
    pub only_passing: bool,
    /// These do not count against an instance.
    pub ignored_checks: Vec<CheckId>,
    /// Sort by distance from this node; `_agent` is the one that is asked.
    pub near: String,
    /// All of these; one that begins with `!` must not be there.
    pub tags: Vec<String>,
    pub node_meta: Meta,
    pub service_meta: Meta,
    /// Instances that accept mesh connections.
    pub connect: bool,
}

/// Where to ask next if there is no instance here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryFailover {
    pub nearest: u32,
    pub datacenters: Vec<String>,
}
