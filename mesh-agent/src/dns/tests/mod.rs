//! The room as a whole: questions against a fixture, and real sockets against a real store.

mod answers;
mod sockets;
