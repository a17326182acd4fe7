//! Real requests over real sockets to a real server, over a catalog whose consensus is one voter.

mod blocking;
mod harness;
mod limits;
mod malformed;
mod table;
