//! Real requests over real sockets to a real server, over a catalog whose consensus is one voter.

mod access;
mod agent;
mod blocking;
mod catalog;
mod certificates;
mod event;
mod harness;
mod health;
mod intentions;
mod kv;
mod limits;
mod malformed;
mod members;
mod prepared_query;
mod snapshot;
mod table;
