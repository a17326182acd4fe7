//! The kernel programs on the kernel itself: a cgroup and pins of a test's own, and clients, servers and an
//! agent that are processes in it. Where that is not permitted, each test says so and does not run.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // All of it is a test; clippy takes only functions marked so for one.

mod accelerate;
mod connect;
mod cut;
mod identity;
mod lab;
mod ladder;
mod life;
mod records;
mod role;
mod strict;
