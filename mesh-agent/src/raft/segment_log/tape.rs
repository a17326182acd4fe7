use super::LogError;
use super::record;
use super::recovery::{FoundSegment, Recovered};
use super::segment::{self, SegmentNumber};
use crate::raft::files::{Directory, DirectoryFile, FileError};
use std::collections::VecDeque;
use std::thread::JoinHandle;

/// The segments as one tape of records, written at its end and cut at its beginning.
pub(super) struct Tape {
    directory: Directory,
    segment_size: u64,
    current: DirectoryFile,
    number: SegmentNumber,
    /// Where in the current segment the next write goes.
    position: u64,
    /// Records that wait to be written together.
    buffer: Vec<u8>,
    next_sequence: u64,
    /// Every record below is on disk.
    durable: u64,
    /// The current segment's first record.
    first_sequence: u64,
    older: VecDeque<FoundSegment>,
    ahead: Option<JoinHandle<Result<DirectoryFile, FileError>>>,
}

impl Tape {
    /// Goes on where the recovered log ends.
    pub(super) fn open(
        directory: Directory,
        segment_size: u64,
        recovered: &mut Recovered,
    ) -> Result<Self, LogError> {
        let mut older: VecDeque<_> = std::mem::take(&mut recovered.segments).into();
        let last = match older.pop_back() {
            Some(last) => last,
            None => first_segment(&directory, segment_size)?,
        };
        let mut current = directory.edit(&last.number.file_name())?;
        // Of a process that was killed, what was read may be in the system's memory alone.
        current.sync()?;
        Ok(Self {
            current,
            directory,
            segment_size,
            number: last.number,
            position: last.end as u64,
            buffer: Vec::new(),
            next_sequence: recovered.next_sequence,
            durable: recovered.next_sequence,
            first_sequence: last.first_sequence,
            older,
            ahead: None,
        })
    }

    /// Bytes that are not written yet.
    pub(super) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Appends a record. It is durable after the next [`Tape::flush`].
    pub(super) fn put(&mut self, payload: &[u8]) -> Result<(), FileError> {
        let filled = self.position + self.buffer.len() as u64;
        let is_empty = filled == segment::HEAD as u64;
        if !is_empty && filled + record::encoded_length(payload) as u64 > self.segment_size {
            self.roll()?;
        }
        record::encode(self.number.0, self.next_sequence, self.durable, payload, &mut self.buffer);
        self.next_sequence += 1;
        Ok(())
    }

    /// Writes what is buffered, and makes it durable.
    pub(super) fn flush(&mut self) -> Result<(), FileError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.current.write_at(&self.buffer, self.position)?;
        self.current.sync()?;
        self.position += self.buffer.len() as u64;
        self.durable = self.next_sequence;
        self.buffer.clear();
        self.prepare_ahead();
        Ok(())
    }

    /// Removes the segments that hold no record from `first_needed` on.
    pub(super) fn release(&mut self, first_needed: u64) -> Result<(), FileError> {
        while let Some(oldest) = self.older.front() {
            let end = self.older.get(1).map_or(self.first_sequence, |next| next.first_sequence);
            if end > first_needed {
                break;
            }
            self.directory.remove(&oldest.number.file_name())?;
            // One by one, so that a crash leaves no gap in the numbers.
            self.directory.sync()?;
            self.older.pop_front();
        }
        Ok(())
    }

    /// The old segment is durable before the new one has a record, so that only the last can be torn.
    fn roll(&mut self) -> Result<(), FileError> {
        self.flush()?;
        let next = self.number.next();
        let file = self.take_prepared(next)?;
        self.directory.finish(&next.file_name())?;
        let end = self.position as usize;
        self.older.push_back(FoundSegment { number: self.number, first_sequence: self.first_sequence, end });
        self.current = file;
        self.number = next;
        self.position = segment::HEAD as u64;
        self.first_sequence = self.next_sequence;
        Ok(())
    }

    /// The next segment, made now where it could not be made ahead.
    fn take_prepared(&mut self, number: SegmentNumber) -> Result<DirectoryFile, FileError> {
        match self.ahead.take().map(join) {
            Some(Ok(file)) => Ok(file),
            Some(Err(_)) | None => segment::prepare(&self.directory, number, self.segment_size),
        }
    }

    /// Makes the next segment in the background once half of this one is used.
    fn prepare_ahead(&mut self) {
        let is_early = self.position < self.segment_size / 2;
        if self.ahead.is_some() || is_early || !self.directory.blocks() {
            return;
        }
        let (directory, number, size) = (self.directory.clone(), self.number.next(), self.segment_size);
        let work = move || segment::prepare(&directory, number, size);
        // Without a thread it is made when it is needed.
        self.ahead = std::thread::Builder::new().name("raft-log-ahead".to_owned()).spawn(work).ok();
    }
}

impl Drop for Tape {
    /// Nobody writes to the directory after this.
    fn drop(&mut self) {
        // What was made ahead is thrown away with the result.
        let _ = self.ahead.take().map(join);
    }
}

fn first_segment(directory: &Directory, size: u64) -> Result<FoundSegment, FileError> {
    let number = SegmentNumber(1);
    segment::prepare(directory, number, size)?;
    directory.finish(&number.file_name())?;
    Ok(FoundSegment { number, first_sequence: 0, end: segment::HEAD })
}

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
