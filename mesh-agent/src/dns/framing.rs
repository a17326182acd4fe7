//! Messages on a TCP stream: two bytes of length, then the message.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The next message; `None` where the stream ends between two.
///
/// # Errors
/// The stream failed, or ended within a message.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let size = match stream.read_u16().await {
        Ok(size) => usize::from(size),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    // Grows as bytes come, so that a mere announcement reserves nothing.
    let mut message = Vec::new();
    stream.take(size as u64).read_to_end(&mut message).await?;
    if message.len() == size { Ok(Some(message)) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// # Errors
/// The stream failed, or the message is longer than 65,535 bytes.
pub(super) async fn write(stream: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> io::Result<()> {
    let size = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut frame = Vec::with_capacity(message.len() + 2);
    frame.extend(size.to_be_bytes());
    frame.extend(message);
    stream.write_all(&frame).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_read_back_as_they_were_written() {
        let mut wire = Vec::new();
        for message in [&b"a"[..], b"", &[7; 65_535]] {
            write(&mut wire, message).await.unwrap();
        }
        let mut wire = &wire[..];
        for want in [&b"a"[..], b"", &[7; 65_535]] {
            assert_eq!(read(&mut wire).await.unwrap().unwrap(), want);
        }
        assert!(read(&mut wire).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_message_cut_short_and_one_too_long_are_errors() {
        assert!(read(&mut &[0, 5, 1, 2][..]).await.is_err());
        assert!(write(&mut Vec::new(), &[0; 65_536]).await.is_err());
    }
}
