use super::UserEvent;
use regex::{Regex, RegexBuilder};

/// What a pattern may grow to, compiled, in bytes.
const SIZE: usize = 64 * 1024;

/// A filter is not a regular expression that can be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("Invalid {what} filter {pattern:?}: {reason}")]
pub struct PatternError {
    what: &'static str,
    pattern: String,
    reason: String,
}

/// Which nodes an event concerns.
#[derive(Debug)]
pub struct Filters {
    node: Option<Regex>,
    service: Option<Regex>,
    tag: Option<Regex>,
}

impl Filters {
    /// # Errors
    /// A filter is not a regular expression.
    pub fn of(event: &UserEvent) -> Result<Self, PatternError> {
        Ok(Self {
            node: pattern("node", &event.node_filter)?,
            service: pattern("service", &event.service_filter)?,
            tag: pattern("tag", &event.tag_filter)?,
        })
    }

    /// One service has to fit by its name and, where a tag is asked for, by a tag too.
    pub fn concern(&self, node: &str, services: &[(String, Vec<String>)]) -> bool {
        let fits = |filter: &Option<Regex>, text: &str| filter.as_ref().is_none_or(|f| f.is_match(text));
        let tagged = |tags: &[String]| self.tag.is_none() || tags.iter().any(|tag| fits(&self.tag, tag));
        let has_service = self.service.is_none()
            || services.iter().any(|(name, tags)| fits(&self.service, name) && tagged(tags));
        fits(&self.node, node) && has_service
    }
}

fn pattern(what: &'static str, text: &str) -> Result<Option<Regex>, PatternError> {
    if text.is_empty() {
        return Ok(None);
    }
    let compiled = RegexBuilder::new(text).size_limit(SIZE).build();
    let error = |e: regex::Error| PatternError { what, pattern: text.to_owned(), reason: e.to_string() };
    compiled.map(Some).map_err(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn concerns(node: &str, service: &str, tag: &str) -> Result<bool, PatternError> {
        let event = UserEvent {
            id: uuid::Uuid::nil(),
            name: "deploy".to_owned(),
            payload: Bytes::new(),
            node_filter: node.to_owned(),
            service_filter: service.to_owned(),
            tag_filter: tag.to_owned(),
            lamport_time: 1,
        };
        let services = [("web".to_owned(), vec!["v1".to_owned()]), ("db".to_owned(), vec![])];
        Ok(Filters::of(&event)?.concern("host-7", &services))
    }

    #[test]
    fn an_event_concerns_whom_all_its_filters_fit() {
        for (node, service, tag, want) in [
            ("", "", "", true),
            ("^host-[0-9]$", "", "", true),
            ("^other", "", "", false),
            ("", "web|api", "", true),
            ("", "^api$", "", false),
            ("", "web", "v1", true),
            ("", "db", "v1", false),
            ("^other", "web", "", false),
        ] {
            assert_eq!(concerns(node, service, tag).unwrap(), want, "{node:?} {service:?} {tag:?}");
        }
    }

    #[test]
    fn a_filter_that_is_no_pattern_is_named() {
        let error = concerns("", "(", "").unwrap_err().to_string();
        assert!(error.starts_with("Invalid service filter \"(\""), "{error}");
        assert!(concerns("a{1000}{1000}", "", "").is_err());
    }
}
