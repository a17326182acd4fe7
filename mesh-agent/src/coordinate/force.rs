use crate::model::Coordinate;

pub(super) type Vector = [f64; Coordinate::DIMENSIONS];

/// Below this, in seconds, a distance counts as none.
pub(super) const NOTHING: f64 = 1.0e-6;

/// `from`, moved away from `other` with this force, or towards it where it is negative. `way` is the direction of
/// length one that two places which are the same part in.
pub(super) fn pushed(from: &Coordinate, force: f64, other: &Coordinate, way: Vector) -> Coordinate {
    let apart = std::array::from_fn(|at| from.point[at] - other.point[at]);
    let far = length(&apart);
    let along = if far > NOTHING { scaled(&apart, 1.0 / far) } else { way };
    let height = match far > NOTHING {
        true => (from.height + other.height) * force / far + from.height,
        false => from.height,
    };
    Coordinate {
        point: std::array::from_fn(|at| from.point[at] + along[at] * force),
        height: height.max(Coordinate::LEAST_HEIGHT),
        ..*from
    }
}

/// The same direction with length one; the first axis where there is none.
pub(super) fn unit(way: Vector) -> Vector {
    match length(&way) {
        far if far > NOTHING => scaled(&way, 1.0 / far),
        _ => std::array::from_fn(|at| if at == 0 { 1.0 } else { 0.0 }),
    }
}

fn length(vector: &Vector) -> f64 {
    vector.iter().map(|part| part * part).sum::<f64>().sqrt()
}

fn scaled(vector: &Vector, factor: f64) -> Vector {
    vector.map(|part| part * factor)
}
