use super::LogError;
use super::change::Change;
use super::record::{self, Record};
use super::segment::{self, SegmentNumber};
use crate::raft::files::{Directory, FileError};
use crate::raft::window::Window;
use std::path::PathBuf;

/// What the segments on disk hold.
#[derive(Default)]
pub(super) struct Recovered {
    pub(super) window: Window,
    /// The sequence of the next record.
    pub(super) next_sequence: u64,
    /// Oldest first; the last one is written on.
    pub(super) segments: Vec<FoundSegment>,
}

pub(super) struct FoundSegment {
    pub(super) number: SegmentNumber,
    /// The sequence of its first record, or of the one it will get.
    pub(super) first_sequence: u64,
    /// Where the next record goes.
    pub(super) end: usize,
}

/// What comes after the last sound record of a segment.
#[derive(Debug, PartialEq, Eq)]
enum Rest {
    Zeros,
    /// A write that was never acknowledged, of so many bytes.
    Torn(usize),
    /// A later record says that what is lost here was durable.
    Damaged {
        witness: u64,
    },
}

/// Reads all segments, cuts a torn tail, and refuses a damaged log.
pub(super) fn recover(directory: &Directory) -> Result<Recovered, LogError> {
    let numbers = segment_numbers(directory)?;
    let mut recovered = Recovered::default();
    for (position, &number) in numbers.iter().enumerate() {
        let file = directory.read(&number.file_name())?;
        let mut reader = Reader { path: directory.path(&number.file_name()), number, file: &file };
        let found = reader.replay(position == 0, &mut recovered)?;
        match reader.rest(found.end, recovered.next_sequence) {
            Rest::Zeros => {}
            Rest::Torn(bytes) if position + 1 == numbers.len() => {
                cut(directory, number, found.end, bytes)?;
            }
            Rest::Torn(_) => return Err(reader.damaged(found.end, "yet a later segment exists".to_owned())),
            Rest::Damaged { witness } => {
                let lost = recovered.next_sequence;
                let found_there = format!("record {lost} is broken, yet record {witness} says it was whole");
                return Err(reader.damaged(found.end, found_there));
            }
        }
        recovered.segments.push(found);
    }
    check_start(directory, &recovered.window)?;
    Ok(recovered)
}

fn segment_numbers(directory: &Directory) -> Result<Vec<SegmentNumber>, LogError> {
    let names = directory.names()?;
    let numbers: Vec<_> = names.iter().filter_map(|name| SegmentNumber::parse(name)).collect();
    for pair in numbers.windows(2) {
        if pair[0].next() != pair[1] {
            return Err(LogError::MissingSegment { path: directory.path(&pair[0].next().file_name()) });
        }
    }
    Ok(numbers)
}

/// The log begins where its newest purge ended.
fn check_start(directory: &Directory, window: &Window) -> Result<(), LogError> {
    let expected = window.purged().map_or(0, |id| id.index + 1);
    match window.first_index() {
        Some(found) if found != expected => {
            Err(LogError::MissingStart { directory: directory.location().to_owned(), found, expected })
        }
        _ => Ok(()),
    }
}

/// Zeros over a torn tail: bytes left there could be taken for a record later.
fn cut(directory: &Directory, number: SegmentNumber, at: usize, bytes: usize) -> Result<(), FileError> {
    let path = directory.path(&number.file_name());
    tracing::warn!(path = %path.display(), offset = at, bytes, "cut a torn write off the Raft log");
    let mut file = directory.edit(&number.file_name())?;
    file.write_at(&vec![0; bytes], at as u64)?;
    file.sync()
}

/// One segment, being read.
struct Reader<'a> {
    path: PathBuf,
    number: SegmentNumber,
    file: &'a [u8],
}

impl Reader<'_> {
    fn record(&self, at: usize) -> Option<Record<'_>> {
        record::decode(self.number.0, self.file, at)
    }

    /// Does again what the sound records did.
    fn replay(&mut self, is_first: bool, recovered: &mut Recovered) -> Result<FoundSegment, LogError> {
        if !self.number.heads(self.file) {
            return Err(self.damaged(0, "it does not begin as this segment does".to_owned()));
        }
        let mut end = segment::HEAD;
        let mut first_sequence = None;
        while let Some(record) = self.record(end) {
            let starts_the_log = is_first && first_sequence.is_none();
            if !starts_the_log && record.sequence != recovered.next_sequence {
                let (found, expected) = (record.sequence, recovered.next_sequence);
                return Err(self.damaged(end, format!("record {found} stands where {expected} belongs")));
            }
            first_sequence.get_or_insert(record.sequence);
            self.replay_record(end, &record, recovered)?;
            recovered.next_sequence = record.sequence + 1;
            end = record.end;
        }
        let first_sequence = first_sequence.unwrap_or(recovered.next_sequence);
        Ok(FoundSegment { number: self.number, first_sequence, end })
    }

    fn replay_record(
        &self,
        offset: usize,
        record: &Record<'_>,
        recovered: &mut Recovered,
    ) -> Result<(), LogError> {
        let change = Change::decode(record.payload);
        let change =
            change.map_err(|source| LogError::Unreadable { path: self.path.clone(), offset, source })?;
        let replayed = change.replay(record.sequence, record.payload.len() as u64, &mut recovered.window);
        replayed.map_err(|source| LogError::OutOfOrder { path: self.path.clone(), offset, source })
    }

    /// Judges what follows the last sound record; record `lost` should be there, if any.
    fn rest(&self, end: usize, lost: u64) -> Rest {
        let after = self.file.get(end..).unwrap_or_default();
        let bytes = after.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if bytes == 0 {
            return Rest::Zeros;
        }
        let places = (end..end + bytes).step_by(record::ALIGNMENT);
        let witness = places.filter_map(|at| self.record(at)).find(|record| record.durable > lost);
        witness.map_or(Rest::Torn(bytes), |record| Rest::Damaged { witness: record.sequence })
    }

    fn damaged(&self, offset: usize, found: String) -> LogError {
        LogError::Damaged { path: self.path.clone(), offset, found }
    }
}
