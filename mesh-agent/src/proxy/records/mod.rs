//! The records of an established connection: plaintext of the application in, TLS out, and back.
//!
//! It has no buffers; it borrows them. It does not know sockets beyond reading plaintext from one.

mod keys;
mod native;
mod negotiated;

use super::buffer::Buffer;
use super::handshake::Connection;
use super::leg::{Leg, Received};
use native::Native;
use negotiated::Negotiated;
use std::io;

/// Why a stream of records cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    #[error("{0}")]
    Tls(#[from] rustls::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("a TLS record announces more than a record may hold")]
    TooLong,
    #[error("a TLS message after the handshake is split over records")]
    Split,
    #[error("a TLS record cannot be authenticated")]
    Forged,
    #[error("a TLS record or message that must not come after the handshake (type {kind})")]
    Unexpected { kind: u8 },
    #[error("the peer reports an error: TLS alert {description}")]
    Alert { description: u8 },
    #[error("the peer changes its keys again and again")]
    Restless,
    #[error("the stream ended without TLS's closing alert: what came may not be all")]
    Truncated,
    #[error("TLS cannot encrypt any more on this connection")]
    Exhausted,
}

/// How the records of one connection are sealed and opened.
pub(super) enum Records {
    /// TLS 1.3: in place, in the buffers that sockets read into and write from.
    Native(Box<Native>),
    /// TLS 1.2: by rustls.
    Negotiated(Negotiated),
}

impl Records {
    /// # Errors
    /// The connection is not established.
    pub fn new(connection: Connection) -> Result<Self, RecordError> {
        if connection.is_tls13() {
            Ok(Self::Native(Box::new(Native::new(connection)?)))
        } else {
            Ok(Self::Negotiated(Negotiated::new(connection)))
        }
    }

    /// Reads plaintext from `leg` and leaves it in the empty `buffer` as records, ready to be written; at the
    /// end of the stream the closing alert. `scratch` is overwritten.
    pub fn seal_from(
        &mut self,
        leg: &mut Leg,
        scratch: &mut [u8],
        buffer: &mut Buffer,
    ) -> Result<Received, RecordError> {
        match self {
            Self::Native(records) => records.seal_from(leg, buffer),
            Self::Negotiated(records) => records.seal_from(leg, scratch, buffer),
        }
    }

    /// Opens the whole records of `buffer`: their plaintext becomes ready to be written. True once the peer
    /// has said that no more comes.
    pub fn open(&mut self, buffer: &mut Buffer) -> Result<bool, RecordError> {
        match self {
            Self::Native(records) => records.open(buffer),
            Self::Negotiated(records) => records.open(buffer),
        }
    }
}
