use crate::model::{CheckStatus, Meta, PreparedQuery, QueryService, ServiceName};
use crate::state::{InstancesOf, Query, ServiceInstance, State, Through};

/// What a prepared query finds.
#[derive(Clone, Debug)]
pub struct Executed {
    /// Filled in, where it is a template.
    pub query: PreparedQuery,
    /// In no order yet.
    pub instances: Vec<ServiceInstance>,
}

/// Instances in this datacenter: others are asked by whoever knows them.
pub(super) fn execute(state: &State, query: PreparedQuery) -> Executed {
    let instances = match ServiceName::new(&query.service.service) {
        Ok(service) => {
            let through = if query.service.connect { Through::Mesh } else { Through::Direct };
            let mut found = InstancesOf { service, through }.run(state);
            found.retain(|instance| fits(instance, &query.service));
            found
        }
        Err(_) => Vec::new(),
    };
    Executed { query, instances }
}

fn fits(instance: &ServiceInstance, wanted: &QueryService) -> bool {
    is_well(instance, wanted)
        && wanted.tags.iter().all(|tag| has_tag(instance, tag))
        && contains(&instance.node.meta, &wanted.node_meta)
        && contains(&instance.service.meta, &wanted.service_meta)
}

fn is_well(instance: &ServiceInstance, wanted: &QueryService) -> bool {
    let counted = instance.checks.iter().filter(|check| !wanted.ignored_checks.contains(&check.id));
    match counted.map(|check| check.status).max().unwrap_or(CheckStatus::Passing) {
        CheckStatus::Passing => true,
        CheckStatus::Warning => !wanted.only_passing,
        CheckStatus::Critical => false,
    }
}

/// Without regard to case; after `!`, that it is not there.
fn has_tag(instance: &ServiceInstance, tag: &str) -> bool {
    let has = |tag: &str| instance.service.tags.iter().any(|own| own.eq_ignore_ascii_case(tag));
    match tag.strip_prefix('!') {
        Some(tag) => !has(tag),
        None => has(tag),
    }
}

fn contains(meta: &Meta, wanted: &Meta) -> bool {
    wanted.iter().all(|(key, value)| meta.get(key) == Some(value))
}
