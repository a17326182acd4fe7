//! Programs of others that ours must get on with.

mod consul;
mod postgres;

pub use consul::consul;
pub use postgres::Postgres;
