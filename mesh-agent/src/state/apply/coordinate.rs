use super::Write;
use crate::model::{Coordinate, NodeName};
use crate::state::Topic;
use crate::state::tables::NodeKey;

impl Write<'_> {
    pub(super) fn put_coordinates(&mut self, places: Vec<(NodeName, Coordinate)>) {
        let mut moved = false;
        for (node, place) in places {
            let key = node.folded();
            if self.state.nodes.contains_key(&key) && place.is_valid() {
                moved |= self.state.coordinates.insert(key, place) != Some(place);
            }
        }
        if moved {
            self.touch(Topic::Coordinates);
        }
    }

    /// After its node is gone.
    pub(super) fn forget_coordinate(&mut self, node: &NodeKey) {
        if self.state.coordinates.remove(node).is_some() {
            self.touch(Topic::Coordinates);
        }
    }
}
