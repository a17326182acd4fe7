//! What systems other than Linux have of kernel TLS: nothing. A trial says so at once, and no key is ever made for
//! the kernel, so that nothing below it is called.

use rustls::{ConnectionTrafficSecrets, SupportedCipherSuite};

/// A key as the kernel takes it: there is none.
pub enum CryptoInfo {}

impl CryptoInfo {
    pub fn size(&self) -> usize {
        match *self {}
    }
}

pub fn describe(_: SupportedCipherSuite, _: (u64, ConnectionTrafficSecrets)) -> Option<CryptoInfo> {
    None
}

pub fn number(info: &mut CryptoInfo, _: u64) -> bool {
    match *info {}
}

pub mod socket {
    use super::CryptoInfo;
    use std::io;
    use std::os::fd::AsFd;

    /// One way through a socket.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Way {
        Send,
        Receive,
    }

    /// What a read brought.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Record {
        pub kind: u8,
        pub len: usize,
    }

    fn absent<T>() -> io::Result<T> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn attach(_: impl AsFd) -> io::Result<()> {
        absent()
    }

    pub fn key(_: impl AsFd, _: Way, info: &CryptoInfo) -> io::Result<()> {
        match *info {}
    }

    pub fn expect_no_padding(_: impl AsFd) {}

    pub fn send_record(_: impl AsFd, _: u8, _: &[u8]) -> io::Result<()> {
        absent()
    }

    pub fn receive_record(_: impl AsFd, _: &mut [u8]) -> io::Result<Record> {
        absent()
    }

    pub fn queued(_: impl AsFd) -> io::Result<Option<u64>> {
        absent()
    }

    pub fn next_number(_: impl AsFd, _: usize) -> io::Result<u64> {
        absent()
    }
}

pub mod trial {
    use rustls::CipherSuite;

    /// Why the kernel does nothing of it.
    #[derive(Debug, thiserror::Error)]
    pub enum TrialError {
        #[error("only Linux has it")]
        Absent,
    }

    pub struct Found {
        pub rekeys: bool,
    }

    pub fn run(_: CipherSuite) -> Result<Found, TrialError> {
        Err(TrialError::Absent)
    }
}
