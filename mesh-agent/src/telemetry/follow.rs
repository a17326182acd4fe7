use super::LogLevel;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast::{self, error::RecvError};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Lines that a follower may lag behind before it loses some.
const BACKLOG: usize = 1024;

/// What is done when the loudest level that anybody follows changes.
type OnChange = Box<dyn Fn(Option<LogLevel>) + Send + Sync>;

/// Log lines as they are written, for whoever follows; nothing is formatted while nobody does.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    sender: broadcast::Sender<Line>,
    /// One for each follower.
    levels: Mutex<Vec<LogLevel>>,
    on_change: OnChange,
}

#[derive(Clone)]
struct Line {
    level: Level,
    text: Arc<str>,
}

impl Lines {
    pub(super) fn new(on_change: impl Fn(Option<LogLevel>) + Send + Sync + 'static) -> Self {
        let sender = broadcast::Sender::new(BACKLOG);
        Self(Arc::new(Shared { sender, levels: Mutex::default(), on_change: Box::new(on_change) }))
    }

    pub(super) fn follow(&self, level: LogLevel) -> LogFollower {
        let receiver = self.0.sender.subscribe();
        self.0.change(|levels| levels.push(level));
        LogFollower { receiver, level, lines: self.clone() }
    }
}

impl Shared {
    fn change(&self, edit: impl FnOnce(&mut Vec<LogLevel>)) {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        edit(&mut levels);
        // Under the lock, so that of two changes the later one holds.
        (self.on_change)(levels.iter().min().copied());
    }
}

/// The log from now on, at a level of its own.
pub struct LogFollower {
    receiver: broadcast::Receiver<Line>,
    level: LogLevel,
    lines: Lines,
}

impl LogFollower {
    /// The next line, with its newline; `None` once logging has ended. A reader that is too slow loses
    /// lines, and reads how many in their place.
    pub async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            match self.receiver.recv().await {
                Ok(line) if self.level.includes(line.level) => return Some(line.text),
                Ok(_) => {}
                Err(RecvError::Lagged(lost)) => {
                    return Some(format!("({lost} lines were lost: this reader is too slow)\n").into());
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl Drop for LogFollower {
    fn drop(&mut self) {
        let own = self.level;
        self.lines.0.change(|levels| {
            if let Some(at) = levels.iter().position(|level| *level == own) {
                levels.swap_remove(at);
            }
        });
    }
}

/// Takes one formatted line.
pub(super) struct LineWriter {
    sender: broadcast::Sender<Line>,
    level: Level,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> LineWriter {
        LineWriter { sender: self.0.sender.clone(), level: Level::INFO }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> LineWriter {
        LineWriter { level: *metadata.level(), ..self.make_writer() }
    }
}

impl io::Write for LineWriter {
    /// The formatter writes each event whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).into();
        // Without followers there is nobody to miss it.
        let _ = self.sender.send(Line { level: self.level, text });
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loudest_follower_decides_what_is_formatted_and_the_last_ends_it() {
        let loudest = Arc::new(Mutex::new(Vec::new()));
        let seen = loudest.clone();
        let lines = Lines::new(move |level| seen.lock().unwrap().push(level));
        let (info, debug) = (lines.follow(LogLevel::Info), lines.follow(LogLevel::Debug));
        drop(debug);
        drop(info);
        let want = [Some(LogLevel::Info), Some(LogLevel::Debug), Some(LogLevel::Info), None];
        assert_eq!(*loudest.lock().unwrap(), want);
    }
}
