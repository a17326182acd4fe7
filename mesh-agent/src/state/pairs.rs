use imbl::OrdSet;

/// A set of pairs that is looked up by the first of the two. It is flat, because a set of its own for each
/// first would cost a kilobyte even where there is one second.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pairs<A: Ord, B: Ord>(OrdSet<(A, Option<B>)>);

impl<A: Ord, B: Ord> Default for Pairs<A, B> {
    fn default() -> Self {
        Self(OrdSet::new())
    }
}

impl<A: Ord + Clone, B: Ord + Clone> Pairs<A, B> {
    pub(super) fn insert(&mut self, first: A, second: B) {
        self.0.insert((first, Some(second)));
    }

    pub(super) fn remove(&mut self, first: A, second: B) {
        self.0.remove(&(first, Some(second)));
    }

    /// All seconds of one first, in order. `None` is no second but sorts before all of them.
    pub(super) fn of(&self, first: A) -> impl Iterator<Item = &B> {
        let from_here = self.0.range((first.clone(), None)..);
        from_here.take_while(move |(own, _)| *own == first).filter_map(|(_, second)| second.as_ref())
    }

    pub(super) fn has(&self, first: A) -> bool {
        self.of(first).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_finds_its_own_seconds_in_order() {
        let mut pairs = Pairs::default();
        for (first, second) in [("b", 2), ("a", 9), ("b", 1), ("c", 0), ("b", 2)] {
            pairs.insert(first, second);
        }
        assert_eq!(pairs.of("b").copied().collect::<Vec<_>>(), [1, 2]);
        pairs.remove("b", 1);
        pairs.remove("b", 2);
        assert!(!pairs.has("b") && pairs.has("a"));
        assert_eq!(pairs.of("z").count(), 0);
    }
}
