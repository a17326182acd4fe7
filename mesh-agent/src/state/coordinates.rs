use super::{Query, State, Topic};
use crate::model::{Coordinate, NodeName};
use std::time::Duration;

/// Where nodes stand in the network, by name.
pub struct ListCoordinates;

impl Query for ListCoordinates {
    type Output = Vec<(NodeName, Coordinate)>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Coordinates]
    }
    fn run(&self, state: &State) -> Self::Output {
        let named = |(key, place): (&_, &Coordinate)| Some((state.nodes.get(key)?.name.clone(), *place));
        state.coordinates.iter().filter_map(named).collect()
    }
}

impl State {
    pub fn coordinate(&self, node: &NodeName) -> Option<&Coordinate> {
        self.coordinates.get(&node.folded())
    }

    /// The round trip between two nodes, as far as both have a place; a node is nowhere nearer than to itself.
    pub fn distance(&self, one: &NodeName, other: &NodeName) -> Option<Duration> {
        if one.folded() == other.folded() {
            return Some(Duration::ZERO);
        }
        Some(self.coordinate(one)?.distance(self.coordinate(other)?))
    }
}
