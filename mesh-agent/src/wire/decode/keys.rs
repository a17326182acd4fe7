/// One spelling of a key: lower case, without underscores. `EnableTagOverride` and
/// `enable_tag_override` are one key.
pub fn fold(key: &str) -> String {
    key.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// The allowed key that `found` was probably meant to be: at most a third of it wrong.
pub fn nearest<'a>(found: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let found = fold(&found.chars().take(64).collect::<String>());
    let scored = allowed.iter().map(|key| (distance(&found, &fold(key)), *key));
    let (distance, key) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= found.len().max(3) / 3).then_some(key)
}

/// Edits (insert, delete, replace) that lead from one text to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_the_key_that_was_meant() {
        let allowed = ["local_bind_port", "local_bind_address", "proxy", "port", "ttl"];
        for (found, meant) in [
            ("proxi", Some("proxy")),
            ("LocalBindPrt", Some("local_bind_port")),
            ("TLL", Some("ttl")),
            ("entirely_else", None),
        ] {
            assert_eq!(nearest(found, &allowed), meant, "{found}");
        }
    }

    #[test]
    fn case_and_underscores_do_not_tell_keys_apart() {
        for spelling in ["EnableTagOverride", "enable_tag_override", "ENABLETAGOVERRIDE"] {
            assert_eq!(fold(spelling), "enabletagoverride");
        }
    }
}
