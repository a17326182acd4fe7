use super::Part;
use crate::state::ViewChange;
use std::collections::VecDeque;

/// Bytes of one piece: a frame must not hold up what else goes over the connection.
const PIECE: usize = 256 << 10;
/// Bytes of one change. Ten thousand services are about ten million.
pub(super) const MOST: usize = 1 << 30;

/// A change in pieces.
pub(super) fn pack(change: &ViewChange, whole: bool) -> Result<VecDeque<Part>, rmp_serde::encode::Error> {
    let bytes = rmp_serde::to_vec_named(change)?;
    let pieces = bytes.len().div_ceil(PIECE);
    let part = |(at, piece): (usize, &[u8])| Part { whole, last: at + 1 == pieces, bytes: piece.to_vec() };
    Ok(bytes.chunks(PIECE).enumerate().map(part).collect())
}

/// Why pieces do not make a change.
#[derive(Debug)]
pub(super) enum ParcelError {
    TooLong,
    Unreadable(rmp_serde::decode::Error),
}

/// The pieces that have come of a change.
#[derive(Default)]
pub(super) struct Parcel {
    bytes: Vec<u8>,
}

impl Parcel {
    /// The change, once its last piece is here.
    pub(super) fn add(&mut self, part: &Part) -> Result<Option<ViewChange>, ParcelError> {
        if self.bytes.len() + part.bytes.len() > MOST {
            return Err(ParcelError::TooLong);
        }
        self.bytes.extend_from_slice(&part.bytes);
        if !part.last {
            return Ok(None);
        }
        let bytes = std::mem::take(&mut self.bytes);
        rmp_serde::from_slice(&bytes).map(Some).map_err(ParcelError::Unreadable)
    }
}
