//! End-to-end tests: the built binary, driven from outside.

// A test that cannot unwrap has failed, and says where.
#![allow(clippy::unwrap_used)]

mod api;
mod autopilot;
mod bad_input;
mod cli;
mod cluster;
mod consul_client;
mod consul_proxy;
mod coordinates;
mod dns;
mod events;
mod exec;
mod faults;
mod federation;
mod joining;
mod kv;
mod lifecycle;
mod linearizable;
mod members;
mod queries;
mod steady;
mod tls;
mod transparent;
mod validate;
mod walkthrough;
mod watches;
mod wire;
