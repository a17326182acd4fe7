//! The rules, by made-up hosts, and the readers, by real processes in real cgroups.

mod real;
mod rules;
