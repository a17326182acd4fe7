use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// Values by prefix. Those that a name begins with are found in a few steps, however many others there are.
pub(super) struct Prefixes<T>(BTreeMap<Arc<str>, T>);

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Prefixes<T> {
    pub(super) fn entry(&mut self, prefix: &str) -> &mut T
    where
        T: Default,
    {
        self.0.entry(prefix.into()).or_default()
    }

    pub(super) fn remove(&mut self, prefix: &str) {
        self.0.remove(prefix);
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The values of all prefixes that `name` begins with, the longest first.
    ///
    /// Whatever sorts last at or before `name` shares the longest beginning with it: if that is not a
    /// prefix, no prefix is longer than what they share.
    pub(super) fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a T> {
        let mut bound = Some(name);
        std::iter::from_fn(move || {
            loop {
                let upto = (Bound::Unbounded, Bound::Included(bound?));
                let Some((found, value)) = self.0.range::<str, _>(upto).next_back() else {
                    bound = None;
                    return None;
                };
                let shared = shared(found, name);
                if shared == found.len() {
                    bound = shorter(&name[..shared]);
                    return Some(value);
                }
                bound = Some(&name[..shared]);
            }
        })
    }
}

/// How many bytes two names begin with alike, not cutting a character.
fn shared(one: &str, other: &str) -> usize {
    let pairs = one.char_indices().zip(other.chars());
    pairs.take_while(|((_, a), b)| a == b).last().map_or(0, |((at, a), _)| at + a.len_utf8())
}

/// Without its last character; none, where there is none.
fn shorter(name: &str) -> Option<&str> {
    name.char_indices().next_back().map(|(at, _)| &name[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_finds_exactly_the_prefixes_it_begins_with() {
        let all = ["", "a", "a/", "a/b", "a/b/c", "a/bb", "a/é", "a/éx", "ab", "b", "z/", "a/b/d"];
        let mut prefixes = Prefixes::<String>::default();
        for prefix in all {
            prefixes.entry(prefix).push_str(prefix);
        }
        for name in ["", "a", "a/b", "a/b/c/d", "a/c", "a/bz", "a/éxy", "a/è", "zz", "z/1", "ab", "é"] {
            let mut want: Vec<&str> = all.into_iter().filter(|prefix| name.starts_with(prefix)).collect();
            want.sort_unstable_by_key(|prefix| std::cmp::Reverse(prefix.len()));
            assert_eq!(prefixes.of(name).collect::<Vec<_>>(), want, "{name}");
        }
    }
}
