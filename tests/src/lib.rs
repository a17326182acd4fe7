//! A harness for end-to-end tests: it drives the built binary from outside, as an operator would.
//!
//! It knows the agent's command line, HTTP, DNS and wire, and nothing of the code behind them.

pub mod agent;
pub mod binary;
pub mod capture;
pub mod clock;
pub mod cluster;
pub mod demo;
pub mod disk;
pub mod dns;
pub mod http;
pub mod indexes;
pub mod lan;
pub mod linearizable;
pub mod netns;
pub mod peers;
pub mod ports;
pub mod process;
pub mod skip;
pub mod tls;
pub mod wait;

pub use agent::{AgentOptions, TestAgent};
pub use demo::DemoService;
pub use ports::PortBlock;
pub use process::{Output, Process, run};
pub use skip::skip;
pub use wait::{eventually, within};
