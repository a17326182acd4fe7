use std::collections::VecDeque;

/// The last bytes of what a check printed, and a count of all of them.
#[derive(Debug)]
pub(super) struct Tail {
    kept: VecDeque<u8>,
    limit: usize,
    seen: u64,
}

impl Tail {
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: VecDeque::new(), limit, seen: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        let bytes = &bytes[bytes.len().saturating_sub(self.limit)..];
        let over = (self.kept.len() + bytes.len()).saturating_sub(self.limit);
        self.kept.drain(..over);
        self.kept.extend(bytes);
    }

    /// The text, which says so where something is missing.
    pub(super) fn into_text(mut self) -> String {
        let text = String::from_utf8_lossy(self.kept.make_contiguous()).into_owned();
        if self.seen > self.kept.len() as u64 {
            format!("Captured {} of {} bytes\n...\n{text}", self.kept.len(), self.seen)
        } else {
            text
        }
    }
}

/// At most `limit` bytes of `text`, cut between characters.
pub(super) fn capped(mut text: String, limit: usize) -> String {
    text.truncate(text.floor_char_boundary(limit));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_long_output_is_kept_and_the_loss_is_said() {
        let mut tail = Tail::new(4);
        tail.push(b"abc");
        tail.push(b"defg");
        assert_eq!(tail.into_text(), "Captured 4 of 7 bytes\n...\ndefg");
        let mut short = Tail::new(4);
        short.push(b"abcd");
        assert_eq!(short.into_text(), "abcd");
        let mut one_gulp = Tail::new(2);
        one_gulp.push(b"abcdef");
        assert_eq!(one_gulp.into_text(), "Captured 2 of 6 bytes\n...\nef");
    }

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(capped("aéé".to_owned(), 4), "aé");
        assert_eq!(capped("ab".to_owned(), 4), "ab");
    }
}
