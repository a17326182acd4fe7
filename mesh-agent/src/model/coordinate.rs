use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where a node stands in the network: a point, and above it a height, which is its way to the network. In seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coordinate {
    pub point: [f64; Self::DIMENSIONS],
    /// How far from the truth it may be, as a share of a distance.
    pub error: f64,
    /// Added to distances: what the space cannot express.
    pub adjustment: f64,
    pub height: f64,
}

impl Default for Coordinate {
    /// The origin, of which nothing is known.
    fn default() -> Self {
        Self {
            point: [0.0; Self::DIMENSIONS],
            error: Self::MOST_ERROR,
            adjustment: 0.0,
            height: Self::LEAST_HEIGHT,
        }
    }
}

impl Coordinate {
    /// Of the space in which nodes have places.
    pub const DIMENSIONS: usize = 8;
    /// The error of a node that has measured nothing, and the largest.
    pub const MOST_ERROR: f64 = 1.5;
    /// No node is nearer to the network than this.
    pub const LEAST_HEIGHT: f64 = 1.0e-5;

    /// The round trip between two places.
    pub fn distance(&self, other: &Self) -> Duration {
        Duration::try_from_secs_f64(self.seconds(other)).unwrap_or_default()
    }

    /// The same in seconds. Where the adjustments leave nothing, they do not count.
    pub fn seconds(&self, other: &Self) -> f64 {
        let raw = self.unadjusted(other);
        let adjusted = raw + self.adjustment + other.adjustment;
        if adjusted > 0.0 { adjusted } else { raw }
    }

    pub fn unadjusted(&self, other: &Self) -> f64 {
        let squares = self.point.iter().zip(&other.point).map(|(one, two)| (one - two).powi(2));
        squares.sum::<f64>().sqrt() + self.height + other.height
    }

    /// No number in it is endless or none at all.
    pub fn is_valid(&self) -> bool {
        let numbers = self.point.iter().chain([&self.error, &self.adjustment, &self.height]);
        numbers.into_iter().all(|number| number.is_finite())
    }
}
