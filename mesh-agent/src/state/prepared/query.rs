use super::execute::{Executed, execute};
use crate::model::{PreparedQuery, PreparedQueryId};
use crate::state::{Query, State, Topic};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One prepared query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GetPrepared(pub PreparedQueryId);

impl Query for GetPrepared {
    type Output = Option<Arc<PreparedQuery>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::PreparedQueries]
    }
    fn run(&self, state: &State) -> Self::Output {
        state.prepared.get(self.0).cloned()
    }
}

/// All prepared queries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListPrepared;

impl Query for ListPrepared {
    type Output = Vec<Arc<PreparedQuery>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::PreparedQueries]
    }
    fn run(&self, state: &State) -> Self::Output {
        state.prepared.all().cloned().collect()
    }
}

/// The query that an id or a name leads to, filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplainPrepared(pub String);

impl Query for ExplainPrepared {
    type Output = Option<PreparedQuery>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::PreparedQueries]
    }
    fn run(&self, state: &State) -> Self::Output {
        state.prepared.resolve(&self.0)
    }
}

/// What a query finds that another datacenter has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecuteGiven(pub PreparedQuery);

impl Query for ExecuteGiven {
    type Output = Executed;
    /// It leads to any service: nobody waits for it.
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::PreparedQueries]
    }
    fn run(&self, state: &State) -> Self::Output {
        execute(state, self.0.clone())
    }
}

/// What the query that an id or a name leads to finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutePrepared(pub String);

impl Query for ExecutePrepared {
    type Output = Option<Executed>;
    /// It leads to any service: nobody waits for it.
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::PreparedQueries]
    }
    fn run(&self, state: &State) -> Self::Output {
        state.prepared.resolve(&self.0).map(|query| execute(state, query))
    }
}
