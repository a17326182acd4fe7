use crate::model::{Meta, PreparedQuery, QueryService};
use regex::{Captures, Regex, RegexBuilder};

/// What a pattern may grow to, compiled, in bytes.
const SIZE: usize = 64 * 1024;

/// A template that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Bad template: {reason}")]
pub struct TemplateError {
    reason: String,
}

impl TemplateError {
    /// Whether a query's template, if it is one, can be filled in.
    ///
    /// # Errors
    /// Its regular expression is none.
    pub fn check(query: &PreparedQuery) -> Result<(), Self> {
        match &query.template {
            Some(template) if !template.regexp.is_empty() => {
                compiled(&template.regexp).map(drop).map_err(|e| Self { reason: e.to_string() })
            }
            _ => Ok(()),
        }
    }
}

fn compiled(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(SIZE).build()
}

/// A template for one name; any other query as it is.
pub(super) fn filled(query: &PreparedQuery, asked: &str) -> PreparedQuery {
    let Some(template) = &query.template else { return query.clone() };
    let pattern = Some(&template.regexp).filter(|text| !text.is_empty()).and_then(|text| compiled(text).ok());
    let captures = pattern.as_ref().and_then(|pattern| pattern.captures(asked));
    let filling = Filling { asked, prefix: &query.name, captures };
    let mut filled = PreparedQuery { service: filling.service(&query.service), ..query.clone() };
    if template.remove_empty_tags {
        filled.service.tags.retain(|tag| !tag.is_empty());
    }
    filled
}

/// What stands for each variable.
struct Filling<'a> {
    asked: &'a str,
    prefix: &'a str,
    captures: Option<Captures<'a>>,
}

impl Filling<'_> {
    fn service(&self, service: &QueryService) -> QueryService {
        let each = |texts: &[String]| texts.iter().map(|text| self.text(text)).collect();
        let meta = |meta: &Meta| meta.iter().map(|(key, text)| (key.clone(), self.text(text))).collect();
        let mut filled = service.clone();
        filled.service = self.text(&service.service);
        filled.near = self.text(&service.near);
        filled.tags = each(&service.tags);
        filled.failover.datacenters = each(&service.failover.datacenters);
        filled.node_meta = meta(&service.node_meta);
        filled.service_meta = meta(&service.service_meta);
        filled
    }

    /// An unknown variable and a group that does not match are empty.
    fn text(&self, text: &str) -> String {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let Some((variable, after)) = after.split_once('}') else {
                rest = &rest[before.len()..];
                break;
            };
            filled.push_str(self.variable(variable.trim()));
            rest = after;
        }
        filled + rest
    }

    fn variable(&self, name: &str) -> &str {
        match name {
            "name.full" => self.asked,
            "name.prefix" => self.prefix,
            "name.suffix" => self.asked.get(self.prefix.len()..).unwrap_or_default(),
            other => self.group(other).unwrap_or_default(),
        }
    }

    /// `match(2)`
    fn group(&self, variable: &str) -> Option<&str> {
        let number = variable.strip_prefix("match(")?.strip_suffix(')')?.trim();
        Some(self.captures.as_ref()?.get(number.parse().ok()?)?.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{QueryTemplate, RaftIndex};

    fn query(name: &str, regexp: &str, service: &str, tags: &[&str]) -> PreparedQuery {
        PreparedQuery {
            id: uuid::Uuid::nil(),
            name: name.to_owned(),
            session: None,
            template: Some(QueryTemplate { regexp: regexp.to_owned(), remove_empty_tags: true }),
            service: QueryService {
                service: service.to_owned(),
                tags: tags.iter().map(ToString::to_string).collect(),
                ..QueryService::default()
            },
            dns_ttl: None,
            index: RaftIndex::default(),
        }
    }

    #[test]
    fn variables_stand_for_the_name_and_its_parts() {
        for (service, want) in [
            ("${name.full}", "geo-db-east"),
            ("${name.prefix}|${name.suffix}", "geo-|db-east"),
            ("${match(1)}.${match(2)}", "db.east"),
            ("${match(0)}", "geo-db-east"),
            ("${match(9)}${unknown}x", "x"),
            ("plain ${open", "plain ${open"),
        ] {
            let filled = filled(&query("geo-", "^geo-(.*?)-([^-]+?)$", service, &[]), "geo-db-east");
            assert_eq!(filled.service.service, want, "{service}");
        }
    }

    #[test]
    fn tags_that_come_out_empty_are_left_out() {
        let filled = filled(&query("geo-", "^geo-(.*?)$", "x", &["${match(1)}", "${match(2)}"]), "geo-db");
        assert_eq!(filled.service.tags, ["db"]);
    }

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        assert!(TemplateError::check(&query("", "(", "x", &[])).is_err());
        assert!(TemplateError::check(&query("", "^(.*)$", "x", &[])).is_ok());
    }
}
