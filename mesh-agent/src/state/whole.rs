use super::{Query, State, Topic};

/// All of the state, as a server has it.
pub struct WholeState;

impl Query for WholeState {
    type Output = State;

    fn topics(&self) -> Vec<Topic> {
        Topic::VIEWED.to_vec()
    }

    /// A clone shares everything.
    fn run(&self, state: &State) -> State {
        state.clone()
    }
}
