use super::{CatalogReader, Endpoint, Health, Reach, shuffle};
use crate::model::ServiceName;

/// Which endpoints are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceQuery {
    pub service: ServiceName,
    pub reach: Reach,
    /// Only instances with this tag.
    pub tag: Option<String>,
    pub health: Health,
}

/// The endpoints that fit, shuffled by `seed` so that callers spread over them.
pub fn endpoints(reader: &dyn CatalogReader, query: &ServiceQuery, seed: u64) -> Vec<Endpoint> {
    let mut found = reader.instances(&query.service, query.reach);
    found.retain(|e| query.health.accepts(e.status) && query.tag.as_deref().is_none_or(|tag| e.has_tag(tag)));
    shuffle(&mut found, seed);
    found
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;
    use crate::model::CheckStatus::{Critical, Passing, Warning};

    fn ids(query: &ServiceQuery) -> Vec<String> {
        let catalog = Fixture::default()
            .with("web", "1", &["v1"], Passing)
            .with("web", "2", &["V1", "canary"], Warning)
            .with("web", "3", &["v1"], Critical)
            .with("db", "4", &[], Passing);
        let mut ids: Vec<_> =
            endpoints(&catalog, query, 1).iter().map(|e| e.service.id.as_str().to_owned()).collect();
        ids.sort();
        ids
    }

    #[test]
    fn endpoints_are_filtered_by_health_and_tag() {
        let service = ServiceName::new("web").unwrap();
        let query = |health, tag: Option<&str>| ServiceQuery {
            service: service.clone(),
            reach: Reach::Direct,
            tag: tag.map(Into::into),
            health,
        };
        let cases: [(_, _, &[&str]); 5] = [
            (Health::NotCritical, None, &["1", "2"]),
            (Health::OnlyPassing, None, &["1"]),
            (Health::NotCritical, Some("v1"), &["1", "2"]),
            (Health::NotCritical, Some("CANARY"), &["2"]),
            (Health::NotCritical, Some("v2"), &[]),
        ];
        for (health, tag, want) in cases {
            assert_eq!(ids(&query(health, tag)), want, "{health:?} {tag:?}");
        }
    }
}
