//! The `/v1` API: turns requests into calls to the facade and the agent's duties, and errors into status
//! codes.
//!
//! It does not know consensus, sockets other than its own, or how anything it shows came to be. Every
//! endpoint is a row of `routes.rs`.

mod answer;
mod browser;
mod call;
mod connection;
mod deps;
mod error;
mod front;
mod limits;
mod parameters;
mod pass;
mod path;
mod query_options;
mod read;
mod refusal;
mod route;
mod router;
mod routes;
mod server;
mod token;
mod ui;
mod v1;

#[cfg(test)]
mod tests;

pub use browser::AllowedHosts;
pub use deps::{
    AddressRule, AgentFacts, Authority, Control, DataPlane, DataPlaneFacts, Deps, Elsewhere, Events,
    HttpSettings, Leaves, Names, NoTokens, Operator, Tokens,
};
pub use error::ApiError;
pub use limits::HttpLimits;
pub use pass::Inside;
pub use server::HttpServer;
pub use token::Token;

/// A browser shows what the API answers and runs none of it.
const CONTENT_SECURITY_POLICY: http::HeaderValue =
    http::HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");
