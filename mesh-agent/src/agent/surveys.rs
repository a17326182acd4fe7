use crate::catalog::Catalog;
use crate::gossip::Gossip;
use crate::model::{Coordinate, NodeName};
use crate::state::Command;
use crate::task::Shutdown;
use rand::RngExt;
use std::time::Duration;

/// Between two times that a node tells where it stands, at least.
const INTERVAL: Duration = Duration::from_secs(15);
/// Before the first time, and after one that did not work.
const FIRST: Duration = Duration::from_secs(2);
/// All nodes together tell no more often than so many times a second.
const RATE: f64 = 64.0;
/// A smaller move is not told: it would only fill the log.
const MOVE: Duration = Duration::from_micros(200);
/// The same for how sure the place is.
const SURER: f64 = 0.1;

/// Tells the catalog where this node stands in the network, when that has changed.
pub(super) struct Surveys {
    pub gossip: Gossip,
    pub catalog: Catalog,
    pub node: NodeName,
}

impl Surveys {
    pub async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            () = self.tell_always() => {}
            () = shutdown.begun() => {}
        }
    }

    async fn tell_always(&self) {
        let (mut place, mut told) = (self.gossip.place(), None);
        // Until something is measured there is little to tell, and alone there is nobody to measure.
        let _ = tokio::time::timeout(FIRST, place.changed()).await;
        loop {
            let now = *place.borrow_and_update();
            let is_news = told.is_none_or(|told| has_moved(&told, &now));
            if !is_news {
                if place.changed().await.is_err() {
                    return;
                }
            } else if self.is_known() && self.tell(now).await {
                told = Some(now);
                let nodes = self.gossip.members().alive().count();
                let spread = rand::rng().random_range(1.0..1.25);
                tokio::time::sleep(interval(nodes).mul_f64(spread)).await;
            } else {
                tokio::time::sleep(FIRST).await;
            }
        }
    }

    /// Of nodes that are not in the catalog, no place is kept.
    fn is_known(&self) -> bool {
        self.catalog.state().node(&self.node).is_some()
    }

    async fn tell(&self, now: Coordinate) -> bool {
        let told = self.catalog.write(Command::PutCoordinates(vec![(self.node.clone(), now)])).await;
        told.inspect_err(|error| tracing::debug!(%error, "nobody is told yet where this node stands")).is_ok()
    }
}

fn interval(nodes: usize) -> Duration {
    INTERVAL.max(Duration::from_secs_f64(nodes as f64 / RATE))
}

/// Distances have a height on both sides, which is no move.
fn has_moved(told: &Coordinate, now: &Coordinate) -> bool {
    let still = told.distance(told);
    let moved = told.distance(now).abs_diff(still) + now.distance(now).abs_diff(still);
    moved >= MOVE || (told.error - now.error).abs() >= SURER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_moves_are_not_told_and_large_clusters_tell_less_often() {
        let at = |x: f64, error| {
            let mut place = Coordinate { error, ..Coordinate::default() };
            place.point[0] = x;
            place
        };
        let origin = at(0.0, 1.0);
        assert!(!has_moved(&origin, &at(0.000_1, 0.95)));
        assert!(has_moved(&origin, &at(0.000_3, 1.0)));
        assert!(has_moved(&origin, &at(0.0, 0.8)));
        assert_eq!(interval(3), Duration::from_secs(15));
        assert_eq!(interval(6400), Duration::from_secs(100));
    }
}
