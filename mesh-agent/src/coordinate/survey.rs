use super::force::{NOTHING, Vector, pushed, unit};
use crate::model::Coordinate;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How fast an error follows what is measured.
const ERROR_GAIN: f64 = 0.25;
/// How far a place moves at most for one measurement, as a share of what is wrong.
const MOVE_GAIN: f64 = 0.25;
/// So many measurements make the adjustment.
const ADJUSTED_BY: usize = 20;
/// The median of so many measurements to a node counts.
const FILTERED_BY: usize = 3;
/// Scales the pull to the origin, which keeps all places from drifting off together. In seconds.
const GRAVITY: f64 = 150.0;
/// A longer round trip is no measurement.
const LONGEST: Duration = Duration::from_secs(10);
/// Most nodes whose measurements are remembered.
const MOST_NODES: usize = 10_000;

/// Finds this node's place from what it measures.
#[derive(Clone, Debug)]
pub struct Survey<N: Ord> {
    place: Coordinate,
    /// What distances were too short by, lately.
    missed: VecDeque<f64>,
    measured: BTreeMap<N, VecDeque<f64>>,
}

impl<N: Ord> Default for Survey<N> {
    fn default() -> Self {
        Self { place: Coordinate::default(), missed: VecDeque::new(), measured: BTreeMap::new() }
    }
}

impl<N: Ord> Survey<N> {
    pub fn place(&self) -> &Coordinate {
        &self.place
    }

    /// Says whether anything came of it. `way` is a direction by chance: two nodes at one place part in it.
    pub fn measure(
        &mut self,
        node: N,
        other: &Coordinate,
        trip: Duration,
        way: [f64; Coordinate::DIMENSIONS],
    ) -> bool {
        if !other.is_valid() || trip > LONGEST {
            return false;
        }
        let trip = self.filtered(node, trip.as_secs_f64());
        let way = unit(way);
        self.approach(other, trip, way);
        self.adjust(other, trip);
        self.fall(way);
        if !self.place.is_valid() {
            self.place = Coordinate::default();
        }
        true
    }

    /// The median: one slow answer moves nobody.
    fn filtered(&mut self, node: N, trip: f64) -> f64 {
        if self.measured.len() >= MOST_NODES && !self.measured.contains_key(&node) {
            self.measured.clear();
        }
        let lately = self.measured.entry(node).or_default();
        lately.push_back(trip);
        if lately.len() > FILTERED_BY {
            lately.pop_front();
        }
        let mut sorted: Vec<f64> = lately.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    /// Who is sure of its place moves less, and the less sure the other is.
    fn approach(&mut self, other: &Coordinate, trip: f64, way: Vector) {
        let (distance, trip) = (self.place.seconds(other), trip.max(NOTHING));
        let wrong = (distance - trip).abs() / trip;
        let weight = self.place.error / (self.place.error + other.error).max(NOTHING);
        let error = ERROR_GAIN * weight * wrong + self.place.error * (1.0 - ERROR_GAIN * weight);
        self.place.error = error.min(Coordinate::MOST_ERROR);
        self.place = pushed(&self.place, MOVE_GAIN * weight * (trip - distance), other, way);
    }

    fn adjust(&mut self, other: &Coordinate, trip: f64) {
        self.missed.push_back(trip - self.place.unadjusted(other));
        if self.missed.len() > ADJUSTED_BY {
            self.missed.pop_front();
        }
        self.place.adjustment = self.missed.iter().sum::<f64>() / (2.0 * ADJUSTED_BY as f64);
    }

    fn fall(&mut self, way: Vector) {
        let origin = Coordinate::default();
        let far = origin.seconds(&self.place) / GRAVITY;
        self.place = pushed(&self.place, -far * far, &origin, way);
    }
}
