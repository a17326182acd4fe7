//! The records of an established connection: plaintext of the application in, TLS out, and back.
//!
//! It has no buffers; it borrows them. It does not know sockets beyond reading plaintext from one, and handing the
//! records of one to the kernel.

mod control;
mod kernel;
mod keys;
mod native;
mod negotiated;

use super::buffer::Buffer;
use super::handshake::Connection;
use super::ktls::KernelTls;
use super::leg::{Leg, Received};
use native::Native;
use negotiated::Negotiated;
use std::io;

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

/// How the records of one connection are sealed and opened.
pub(super) enum Records {
    /// TLS 1.3: in place, in the buffers that sockets read into and write from.
    Native(Box<Native>),
    /// TLS 1.2: by rustls.
    Negotiated(Negotiated),
}

impl Records {
    /// `kernel` is what the kernel can, where it may take over.
    ///
    /// # Errors
    /// The connection is not established.
    pub fn new(connection: Connection, kernel: Option<KernelTls>) -> Result<Self, RecordError> {
        if connection.is_tls13() {
            Ok(Self::Native(Box::new(Native::new(connection, kernel)?)))
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

    /// Whether each way, sending and receiving, may still be handed to the kernel.
    pub fn may_hand_over(&self) -> (bool, bool) {
        match self {
            Self::Native(records) => records.may_hand_over(),
            Self::Negotiated(_) => (false, false),
        }
    }

    /// Hands the sending way to the kernel, with nothing of it under way here.
    ///
    /// # Errors
    /// The kernel refuses; all stays as it was.
    pub fn hand_over_sending(&mut self, peer: &Leg) -> io::Result<()> {
        self.native()?.hand_over_sending(peer)
    }

    /// Hands the receiving way to the kernel, with no record begun here.
    ///
    /// # Errors
    /// The kernel refuses; all stays as it was.
    pub fn hand_over_receiving(&mut self, peer: &mut Leg) -> io::Result<()> {
        self.native()?.hand_over_receiving(peer)
    }

    fn native(&mut self) -> io::Result<&mut Native> {
        match self {
            Self::Native(records) => Ok(records),
            Self::Negotiated(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub fn kernel_receives(&self) -> bool {
        matches!(self, Self::Native(records) if records.kernel_receives())
    }

    /// What the kernel has opened: true if it ends the stream.
    pub fn opened(&mut self, kind: u8, content: &[u8], peer: &mut Leg) -> Result<bool, RecordError> {
        let records = self.native()?;
        if kind == DATA {
            records.received_data();
            return Ok(false);
        }
        records.obey(kind, content, Some(peer))
    }

    /// Before more is sent: what the kernel has to be told. False where the peer's socket is too full for it.
    pub fn prepare(&mut self, peer: &mut Leg) -> Result<bool, RecordError> {
        match self {
            Self::Native(records) => records.prepare(peer),
            Self::Negotiated(_) => Ok(true),
        }
    }

    /// Changes the key for sending that the kernel has.
    ///
    /// # Errors
    /// It keeps those of a connection.
    #[cfg(target_os = "linux")]
    pub fn change_key(&mut self, peer: &mut Leg) -> Result<bool, RecordError> {
        self.native()?.change_kernel_key(peer)
    }

    /// Tells the peer that no more comes. False where it has to be tried again.
    pub fn end(&mut self, peer: &mut Leg) -> Result<bool, RecordError> {
        match self {
            Self::Native(records) => records.end(peer),
            Self::Negotiated(_) => Ok(peer.end_writing().map(|()| true)?),
        }
    }
}
