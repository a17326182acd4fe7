use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Instant;

/// Both outputs of a command as one stream of pieces that are worth writing.
pub(super) struct Output<A, B> {
    first: Option<A>,
    second: Option<B>,
    kept: Vec<u8>,
    /// When what is kept goes out, full or not.
    due: Option<Instant>,
    /// Bytes that were handed on.
    total: usize,
}

/// What has come of waiting for output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Vec<u8>),
    /// Nothing for some time.
    Silence,
    /// There will be no more.
    End,
}

/// Largest piece, in bytes: Consul's.
pub(super) const PIECE: usize = 4 * 1024;
/// How long a piece waits to become larger.
const GATHER: Duration = Duration::from_millis(500);
/// What a command may say in all, in bytes. The rest is read and forgotten, so that the command goes on.
pub(super) const MOST: usize = 1024 * 1024;

impl<A: AsyncRead + Unpin, B: AsyncRead + Unpin> Output<A, B> {
    pub fn new(first: Option<A>, second: Option<B>) -> Self {
        Self { first, second, kept: Vec::with_capacity(PIECE), due: None, total: 0 }
    }

    /// Safe to cancel: nothing that was read is lost.
    pub async fn next(&mut self, patience: Duration) -> Piece {
        let silence = Instant::now() + patience;
        loop {
            if self.kept.len() >= PIECE || (self.is_over() && !self.kept.is_empty()) {
                return self.flush();
            }
            if self.is_over() {
                return Piece::End;
            }
            let until = self.due.unwrap_or(silence);
            tokio::select! {
                () = self.read() => {}
                () = tokio::time::sleep_until(until) => return self.flush(),
            }
        }
    }

    fn is_over(&self) -> bool {
        self.first.is_none() && self.second.is_none()
    }

    async fn read(&mut self) {
        let mut buffers = ([0; PIECE], [0; PIECE]);
        let room = PIECE.saturating_sub(self.kept.len()).max(1);
        let got = tokio::select! {
            got = read(&mut self.first, &mut buffers.0[..room]) => got.map(|length| &buffers.0[..length]),
            got = read(&mut self.second, &mut buffers.1[..room]) => got.map(|length| &buffers.1[..length]),
        };
        let Some(got) = got.filter(|_| self.total < MOST) else { return };
        self.total += got.len();
        self.kept.extend_from_slice(got);
        if self.total >= MOST {
            self.kept.extend_from_slice(b"\n(what follows is left out)\n");
        }
        self.due.get_or_insert_with(|| Instant::now() + GATHER);
    }

    fn flush(&mut self) -> Piece {
        self.due = None;
        match std::mem::take(&mut self.kept) {
            kept if kept.is_empty() => Piece::Silence,
            kept => Piece::Text(kept),
        }
    }
}

/// The length of what was read; nothing where the source has just ended. Never, where it ended before.
async fn read(source: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> Option<usize> {
    let Some(open) = source else { return std::future::pending().await };
    match open.read(buffer).await {
        Ok(length @ 1..) => Some(length),
        Ok(0) | Err(_) => {
            *source = None;
            None
        }
    }
}
