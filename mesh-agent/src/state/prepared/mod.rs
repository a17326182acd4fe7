//! Prepared queries: the table, how a name finds its query, and what the query finds.

mod execute;
mod query;
mod table;
mod template;

pub use execute::Executed;
pub use query::{ExecuteGiven, ExecutePrepared, ExplainPrepared, GetPrepared, ListPrepared};
pub(super) use table::PreparedTable;
pub use template::TemplateError;
