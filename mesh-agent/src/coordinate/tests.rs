use super::force::Vector;
use super::*;
use crate::model::Coordinate;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

/// Nodes that measure each other in a network made up.
struct Network {
    surveys: Vec<Survey<usize>>,
    rng: StdRng,
}

impl Network {
    fn new(nodes: usize) -> Self {
        let surveys = (0..nodes).map(|_| Survey::default()).collect();
        Self { surveys, rng: StdRng::seed_from_u64(7) }
    }

    /// Everybody measures a node by chance, so often; `trip` in seconds.
    fn run(&mut self, rounds: usize, trip: impl Fn(usize, usize) -> f64) {
        for _ in 0..rounds {
            for node in 0..self.surveys.len() {
                let other = self.rng.random_range(0..self.surveys.len());
                if other != node {
                    let (place, way) = (*self.surveys[other].place(), self.way());
                    let trip = Duration::from_secs_f64(trip(node, other));
                    assert!(self.surveys[node].measure(other, &place, trip, way));
                }
            }
        }
    }

    fn way(&mut self) -> Vector {
        std::array::from_fn(|_| self.rng.random_range(-0.5..0.5))
    }

    /// How far distances are from the truth, as a share of it: on average, and at most.
    fn errors(&self, trip: impl Fn(usize, usize) -> f64) -> (f64, f64) {
        let nodes = self.surveys.len();
        let pairs = (0..nodes).flat_map(|one| (0..nodes).map(move |two| (one, two))).filter(|(a, b)| a != b);
        let wrong: Vec<f64> = pairs
            .map(|(one, two)| {
                let told = self.surveys[one].place().distance(self.surveys[two].place()).as_secs_f64();
                (told - trip(one, two)).abs() / trip(one, two)
            })
            .collect();
        let worst = wrong.iter().copied().fold(0.0, f64::max);
        (wrong.iter().sum::<f64>() / wrong.len() as f64, worst)
    }
}

/// Seconds between two nodes.
type Trip = fn(usize, usize) -> f64;

/// On a line, ten milliseconds from one to the next.
fn line(one: usize, two: usize) -> f64 {
    0.01 * one.abs_diff(two) as f64
}

/// On a square of four by four.
fn grid(one: usize, two: usize) -> f64 {
    let apart = |one: usize, two: usize| one.abs_diff(two).pow(2) as f64;
    0.01 * (apart(one % 4, two % 4) + apart(one / 4, two / 4)).sqrt()
}

/// Two places: a millisecond inside of each, and forty between them.
fn split(one: usize, two: usize) -> f64 {
    if one % 2 == two % 2 { 0.001 } else { 0.04 }
}

#[test]
fn places_come_to_tell_how_long_each_trip_takes() {
    let networks = [
        ("a line", line as Trip, 10, 0.1),
        ("a square", grid as Trip, 16, 0.1),
        ("two sites", split as Trip, 12, 0.2),
    ];
    for (what, trip, nodes, most) in networks {
        let mut network = Network::new(nodes);
        network.run(1000, trip);
        let (average, _) = network.errors(trip);
        assert!(average < most, "{what}: off by {average} on average");
    }
}

#[test]
fn who_is_near_is_told_from_who_is_far_after_a_few_measurements() {
    let mut network = Network::new(12);
    network.run(60, split);
    for one in 0..12 {
        let own = network.surveys[one].place();
        let to = |two: usize| own.distance(network.surveys[two].place());
        let near = (0..12).filter(|two| *two != one && two % 2 == one % 2).map(to).max().unwrap();
        let far = (0..12).filter(|two| two % 2 != one % 2).map(to).min().unwrap();
        assert!(near < far, "node {one}: {near:?} to its own site, {far:?} to the other");
    }
}

#[test]
fn a_noisy_network_converges_too_and_one_slow_answer_moves_nobody() {
    let mut network = Network::new(10);
    let noise = std::cell::RefCell::new(StdRng::seed_from_u64(1));
    network.run(1000, |one, two| line(one, two) * noise.borrow_mut().random_range(0.9..1.1));
    assert!(network.errors(line).0 < 0.2, "{:?}", network.errors(line));
    let (before, other) = (*network.surveys[0].place(), *network.surveys[1].place());
    let mut survey = network.surveys[0].clone();
    for trip in [0.01, 0.01, 5.0] {
        survey.measure(1, &other, Duration::from_secs_f64(trip), [1.0; 8]);
    }
    let moved = before.distance(survey.place()).saturating_sub(before.distance(&before));
    assert!(moved < Duration::from_millis(5), "{moved:?}");
}

#[test]
fn the_numbers_are_those_of_serf() {
    // Two nodes at the origin that measure 100 ms: weight 1/2, force 0.25 * 1/2 * (0.1 - 0.00002).
    let mut survey = Survey::default();
    let mut way = [0.0; 8];
    way[0] = 2.0;
    assert!(survey.measure("n2", &Coordinate::default(), Duration::from_millis(100), way));
    let place = survey.place();
    assert!((place.point[0] - 0.012_497_5).abs() < 1e-6, "{place:?}");
    let error = 0.25 * 0.5 * (0.1 - 2e-5) / 0.1 + 1.5 * (1.0 - 0.125);
    assert!((place.error - error).abs() < 1e-9, "{place:?}");
    assert!((place.adjustment - (0.1 - 0.012_497_5 - 2e-5) / 40.0).abs() < 1e-6, "{place:?}");
}

#[test]
fn what_is_no_measurement_changes_nothing() {
    let mut survey = Survey::default();
    let broken = Coordinate { height: f64::NAN, ..Coordinate::default() };
    assert!(!survey.measure(1, &broken, Duration::from_millis(1), [1.0; 8]));
    assert!(!survey.measure(1, &Coordinate::default(), Duration::from_secs(11), [1.0; 8]));
    assert_eq!(*survey.place(), Coordinate::default());
    assert!(survey.measure(1, &Coordinate::default(), Duration::ZERO, [0.0; 8]));
    assert!(survey.place().is_valid());
}
