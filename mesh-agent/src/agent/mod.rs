//! The house: reads configuration, builds the rooms and wires them.

pub mod config;
