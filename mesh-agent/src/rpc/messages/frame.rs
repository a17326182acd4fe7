use bytes::{BufMut, Bytes, BytesMut};
use tokio_util::codec::LengthDelimitedCodec;

/// Which message an answer is to.
pub(super) type Number = u64;

/// What was said to a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Given(Bytes),
    /// Why nothing was.
    Refused(Bytes),
}

const GIVEN: u8 = 0;
const REFUSED: u8 = 1;
const NUMBER: usize = size_of::<Number>();
/// The most bytes before what a message or an answer carries.
const HEAD: usize = NUMBER + 1;

/// Frames that carry as many bytes at most.
pub(super) fn codec(most: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(most + HEAD).new_codec()
}

pub(super) fn message(number: Number, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(NUMBER + body.len());
    frame.put_u64(number);
    frame.put_slice(body);
    frame.freeze()
}

/// Nothing where it is no message.
pub(super) fn open_message(mut frame: Bytes) -> Option<(Number, Bytes)> {
    let number = frame.split_to_checked(NUMBER)?;
    Some((Number::from_be_bytes(number[..].try_into().ok()?), frame))
}

pub(super) fn answer(number: Number, answer: &Answer) -> Bytes {
    let (kind, body) = match answer {
        Answer::Given(body) => (GIVEN, body),
        Answer::Refused(reason) => (REFUSED, reason),
    };
    let mut frame = BytesMut::with_capacity(HEAD + body.len());
    frame.put_u64(number);
    frame.put_u8(kind);
    frame.put_slice(body);
    frame.freeze()
}

/// Nothing where it is no answer.
pub(super) fn open_answer(frame: Bytes) -> Option<(Number, Answer)> {
    let (number, mut rest) = open_message(frame)?;
    let kind = rest.split_to_checked(1)?[0];
    match kind {
        GIVEN => Some((number, Answer::Given(rest))),
        REFUSED => Some((number, Answer::Refused(rest))),
        _ => None,
    }
}

/// As [`Bytes::split_to`], which panics where there is less.
trait SplitChecked {
    fn split_to_checked(&mut self, at: usize) -> Option<Bytes>;
}

impl SplitChecked for Bytes {
    fn split_to_checked(&mut self, at: usize) -> Option<Bytes> {
        (self.len() >= at).then(|| self.split_to(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_found_again_and_rubbish_is_nothing() {
        let body = Bytes::from_static(b"body");
        assert_eq!(open_message(message(7, &body)), Some((7, body.clone())));
        for said in [Answer::Given(body.clone()), Answer::Refused(body)] {
            let frame = answer(u64::MAX, &said);
            assert_eq!(open_answer(frame), Some((u64::MAX, said)));
        }
        assert_eq!(open_message(Bytes::from_static(b"seven b")), None);
        assert_eq!(open_answer(Bytes::from_static(b"12345678")), None);
        assert_eq!(open_answer(Bytes::from_static(b"12345678\x02no such kind")), None);
    }
}
