use crate::model::Intention;

/// Longest description, in bytes.
const DESCRIPTION: usize = 512;
/// Most metadata pairs.
const META_PAIRS: usize = 64;
/// Longest metadata key, in bytes.
const META_KEY: usize = 128;
/// Longest metadata value, in bytes.
const META_VALUE: usize = 512;

/// Why an intention was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntentionError {
    #[error("Description has {found} bytes: shorten it to {DESCRIPTION}")]
    Description { found: usize },
    #[error("Meta has {found} pairs: at most {META_PAIRS} are kept")]
    MetaPairs { found: usize },
    #[error("a key of Meta has {found} bytes: want 1 to {META_KEY}")]
    MetaKey { found: usize },
    #[error("Meta[{key:?}] has {found} bytes: shorten it to {META_VALUE}")]
    MetaValue { key: String, found: usize },
}

/// Checks what the types of an intention do not: how much text it carries.
///
/// # Errors
/// The first limit that it breaks.
pub fn validate(intention: &Intention) -> Result<(), IntentionError> {
    let (description, pairs) = (intention.description.len(), intention.meta.len());
    if description > DESCRIPTION {
        return Err(IntentionError::Description { found: description });
    }
    if pairs > META_PAIRS {
        return Err(IntentionError::MetaPairs { found: pairs });
    }
    intention.meta.iter().try_for_each(|(key, value)| validate_pair(key, value))
}

fn validate_pair(key: &str, value: &str) -> Result<(), IntentionError> {
    if !(1..=META_KEY).contains(&key.len()) {
        return Err(IntentionError::MetaKey { found: key.len() });
    }
    if value.len() > META_VALUE {
        return Err(IntentionError::MetaValue { key: key.to_owned(), found: value.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::intention;
    use super::*;
    use crate::model::{IntentionAction, Meta};

    fn with(description: String, meta: Meta) -> Result<(), IntentionError> {
        let template = intention("web", "db", IntentionAction::Allow);
        validate(&Intention { description, meta, ..Intention::clone(&template) })
    }

    fn pair(key: usize, value: usize) -> Meta {
        Meta::from([("k".repeat(key), "v".repeat(value))])
    }

    #[test]
    fn an_intention_at_every_limit_is_accepted() {
        let full: Meta = (0..64).map(|n| (format!("{n:0128}"), "v".repeat(512))).collect();
        assert_eq!(with("d".repeat(512), full), Ok(()));
    }

    #[test]
    fn one_byte_or_pair_more_is_refused_and_named() {
        let many: Meta = (0..65).map(|n| (n.to_string(), String::new())).collect();
        let long = IntentionError::MetaValue { key: "k".into(), found: 513 };
        assert_eq!(with("d".repeat(513), Meta::new()), Err(IntentionError::Description { found: 513 }));
        assert_eq!(with(String::new(), many), Err(IntentionError::MetaPairs { found: 65 }));
        assert_eq!(with(String::new(), pair(0, 1)), Err(IntentionError::MetaKey { found: 0 }));
        assert_eq!(with(String::new(), pair(129, 1)), Err(IntentionError::MetaKey { found: 129 }));
        assert_eq!(with(String::new(), pair(1, 513)), Err(long));
    }
}
