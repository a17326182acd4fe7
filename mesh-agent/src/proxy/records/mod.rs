//! The records of an established connection: plaintext of the application in, TLS out, and back.
//!
//! TLS 1.3, and 1.2 for peers that know nothing newer. It has no buffers; it borrows them. It does not know sockets
//! beyond reading plaintext from one, and handing the records of one to the kernel.

mod connection;
mod control;
mod kernel;
mod keys;

use std::io;

pub(super) use connection::Records;
#[cfg(target_os = "linux")]
pub(super) use keys::ALERT;
pub(super) use keys::DATA;

/// Why a stream of records cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    #[error("{0}")]
    Tls(#[from] rustls::Error),
    #[error("{0}")]
    Io(#[source] io::Error),
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
    #[error("its keys have protected as many records as they may, and TLS 1.2 does not change keys")]
    Worn,
    #[error(
        "the keys have to change, and the kernel keeps those of a connection: {source}; from Linux 6.14 on it \
         changes them, else dataplane_ktls = \"off\" leaves them to the agent"
    )]
    KernelKeeps {
        #[source]
        source: io::Error,
    },
}

impl From<io::Error> for RecordError {
    /// What the kernel finds wrong with a record is told as an error of the socket.
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EBADMSG) => Self::Forged,
            Some(libc::EMSGSIZE) => Self::TooLong,
            _ => Self::Io(error),
        }
    }
}
