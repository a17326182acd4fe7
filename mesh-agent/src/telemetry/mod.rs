//! Logs and metrics: where they go, how loud they are, and what they read like.
//!
//! It does not know what is logged or counted; the rooms say that through `tracing` and `metrics`, whose
//! names are dotted (`dns.queries`) and get the configured prefix when they are read.

mod follow;
mod level;
mod logs;
mod prometheus;
mod recorder;
mod report;
mod window;

pub use follow::LogFollower;
pub use level::LogLevel;
pub use logs::{LogFormat, LogOptions, Logs, TelemetryError};
pub use recorder::Metrics;
pub use report::{GaugeReport, Report, SampleReport};
