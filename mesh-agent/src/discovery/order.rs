use super::Endpoint;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

/// Puts items in an order that `seed` determines; every order is equally likely.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    items.shuffle(&mut SmallRng::seed_from_u64(seed));
}

/// Sorts by distance, and keeps the order of those equally far: shuffle first. For `near=_agent` the
/// distance is that of the endpoint's node from the agent's, and nothing at all for its own node.
pub fn nearest_first<D: PartialOrd>(endpoints: &mut [Endpoint], distance: impl Fn(&Endpoint) -> D) {
    endpoints.sort_by(|a, b| distance(a).partial_cmp(&distance(b)).unwrap_or(std::cmp::Ordering::Equal));
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;
    use crate::discovery::{CatalogReader, Reach};
    use crate::model::{CheckStatus, ServiceName};
    use std::collections::HashMap;

    #[test]
    fn each_item_comes_first_about_equally_often() {
        let mut firsts: HashMap<u8, u32> = HashMap::new();
        for seed in 0..4000 {
            let mut items = [1, 2, 3, 4];
            shuffle(&mut items, seed);
            *firsts.entry(items[0]).or_default() += 1;
        }
        assert!(firsts.len() == 4 && firsts.values().all(|n| (800..1200).contains(n)), "{firsts:?}");
    }

    #[test]
    fn one_seed_gives_one_order() {
        let order = |seed| {
            let mut items: Vec<u32> = (0..50).collect();
            shuffle(&mut items, seed);
            items
        };
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
    }

    #[test]
    fn the_nearest_come_first_and_equals_keep_their_order() {
        let catalog = ["c", "a", "b", "d"]
            .iter()
            .fold(Fixture::default(), |f, id| f.with("web", id, &[], CheckStatus::Passing));
        let mut found = catalog.instances(&ServiceName::new("web").unwrap(), Reach::Direct);
        nearest_first(&mut found, |e| u8::from(e.service.id.as_str() != "b"));
        let ids: Vec<_> = found.iter().map(|e| e.service.id.as_str()).collect();
        assert_eq!(ids, ["b", "c", "a", "d"]);
    }
}
