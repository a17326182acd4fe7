use crate::model::{self, NodeName};
use serde::{Deserialize, Serialize};

/// A place in the network; all of it in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Coordinate {
    pub vec: Vec<f64>,
    pub error: f64,
    pub adjustment: f64,
    pub height: f64,
}

/// A node's place, as `/v1/coordinate` has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct NodeCoordinate {
    pub node: String,
    /// Always empty: there is one segment.
    pub segment: String,
    pub coord: Coordinate,
}

impl From<&model::Coordinate> for Coordinate {
    fn from(place: &model::Coordinate) -> Self {
        let model::Coordinate { point, error, adjustment, height } = *place;
        Self { vec: point.to_vec(), error, adjustment, height }
    }
}

impl From<&(NodeName, model::Coordinate)> for NodeCoordinate {
    fn from((node, place): &(NodeName, model::Coordinate)) -> Self {
        Self { node: node.to_string(), segment: String::new(), coord: place.into() }
    }
}

impl TryFrom<&Coordinate> for model::Coordinate {
    type Error = String;

    fn try_from(wire: &Coordinate) -> Result<Self, String> {
        const WANT: usize = model::Coordinate::DIMENSIONS;
        let point = <[f64; WANT]>::try_from(wire.vec.as_slice())
            .map_err(|_| format!("Coord.Vec: found {} numbers, want {WANT}", wire.vec.len()))?;
        let place = Self { point, error: wire.error, adjustment: wire.adjustment, height: wire.height };
        if place.is_valid() { Ok(place) } else { Err("Coord: want finite numbers".to_owned()) }
    }
}
