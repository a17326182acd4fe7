use super::*;
use crate::model::Coordinate;
use std::time::Duration;

#[test]
fn places_of_nodes_are_kept_until_the_node_goes() {
    let mut written = Written::by([register_service("n1", "web", "web"), register_service("n2", "db", "db")]);
    let name = |text: &str| crate::model::NodeName::new(text).unwrap();
    let at = |height| Coordinate { height, ..Coordinate::default() };
    let places = vec![(name("N1"), at(0.001)), (name("n2"), at(0.002)), (name("n3"), at(0.003))];
    written.apply(Command::PutCoordinates(places.clone()));
    let state = written.state();
    assert_eq!(ListCoordinates.run(&state), [(name("n1"), at(0.001)), (name("n2"), at(0.002))]);
    assert_eq!(state.distance(&name("n1"), &name("n2")), Some(Duration::from_millis(3)));
    assert_eq!(state.distance(&name("n1"), &name("N1")), Some(Duration::ZERO));
    assert_eq!(state.distance(&name("n1"), &name("n3")), None, "it is not in the catalog");
    let index = state.index_of(&[Topic::Coordinates]);
    written.apply(Command::PutCoordinates(places));
    assert_eq!(written.state().index_of(&[Topic::Coordinates]), index, "nothing has moved");
    written.apply(Command::Deregister(Deregistration { node: name("n1"), service: None, check: None }));
    assert_eq!(ListCoordinates.run(&written.state()), [(name("n2"), at(0.002))]);
    assert!(written.state().index_of(&[Topic::Coordinates]) > index);
}
