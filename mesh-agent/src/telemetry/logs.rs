use super::follow::Lines;
use super::{LogFollower, LogLevel};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::{fs, io};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, filter::Targets};

/// What a log line looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// How the process logs.
#[derive(Clone, Debug)]
pub struct LogOptions {
    pub level: LogLevel,
    pub format: LogFormat,
    /// Besides standard output; appended to.
    pub file: Option<PathBuf>,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("cannot write the log file {path:?}: {source}; check log_file and its directory's permissions")]
    LogFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("logging is set up already, and can be only once in a process")]
    AlreadyInstalled,
}

/// The log of this process. Clones share it.
#[derive(Clone)]
pub struct Logs {
    level: Handle<Targets, Registry>,
    text: Lines,
    json: Lines,
}

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

impl Logs {
    /// Sets up logging for the whole process.
    ///
    /// # Errors
    /// The log file cannot be opened, or it was done before.
    pub fn install(options: &LogOptions) -> Result<Self, TelemetryError> {
        let file = options.file.as_ref().map(open).transpose()?;
        let colours = io::IsTerminal::is_terminal(&io::stdout());
        let mut outputs = vec![formatted(options.format, io::stdout, colours)];
        outputs.extend(file.map(|file| formatted(options.format, Mutex::new(file), false)));
        let (logs, subscriber) = Self::over(options.level, outputs);
        subscriber.try_init().map_err(|_| TelemetryError::AlreadyInstalled)?;
        Ok(logs)
    }

    /// A log of its own, which events reach through the dispatch alone.
    #[cfg(test)]
    pub(crate) fn detached(level: LogLevel) -> (Self, tracing::Dispatch) {
        let (logs, subscriber) = Self::over(level, Vec::new());
        (logs, subscriber.into())
    }

    fn over(level: LogLevel, outputs: Vec<Boxed>) -> (Self, impl SubscriberExt + Into<tracing::Dispatch>) {
        let (filter, level) = reload::Layer::new(LogLevel::filter(Some(level)));
        let (text, text_layer) = followed(LogFormat::Text);
        let (json, json_layer) = followed(LogFormat::Json);
        let layers: Vec<Boxed> = vec![outputs.with_filter(filter).boxed(), text_layer, json_layer];
        (Self { level, text, json }, tracing_subscriber::registry().with(layers))
    }

    /// How much goes to the outputs from now on; followers have levels of their own.
    pub fn set_level(&self, level: LogLevel) {
        set(&self.level, Some(level));
    }

    /// The log from now on, until the follower is dropped.
    pub fn follow(&self, level: LogLevel, format: LogFormat) -> LogFollower {
        match format {
            LogFormat::Text => self.text.follow(level),
            LogFormat::Json => self.json.follow(level),
        }
    }
}

fn open(path: &PathBuf) -> Result<fs::File, TelemetryError> {
    let opened = fs::File::options().create(true).append(true).open(path);
    opened.map_err(|source| TelemetryError::LogFile { path: path.clone(), source })
}

fn set(handle: &Handle<Targets, Registry>, level: Option<LogLevel>) {
    // The only error is that the subscriber is gone, and then there is nothing to filter.
    let _ = handle.reload(LogLevel::filter(level));
}

fn formatted<W>(format: LogFormat, writer: W, colours: bool) -> Boxed
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer).with_ansi(colours);
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

/// A layer for followers; it lets through what the loudest of them wants.
fn followed(format: LogFormat) -> (Lines, Boxed) {
    let (filter, handle) = reload::Layer::new(LogLevel::filter(None));
    let handle = Arc::new(handle);
    let lines = Lines::new(move |level| set(&handle, level));
    let layer = formatted(format, lines.clone(), false).with_filter(filter).boxed();
    (lines, layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was written to an output.
    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Output {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn logging(level: LogLevel, format: LogFormat) -> (Logs, Output, tracing::Dispatch) {
        let output = Output::default();
        let writer = output.clone();
        let (logs, subscriber) = Logs::over(level, vec![formatted(format, move || writer.clone(), false)]);
        (logs, output, subscriber.into())
    }

    #[test]
    fn the_level_of_the_outputs_changes_while_running() {
        let (logs, output, dispatch) = logging(LogLevel::Info, LogFormat::Text);
        let say = |text: &str| tracing::debug!("{text}");
        tracing::dispatcher::with_default(&dispatch, || {
            say("unheard");
            logs.set_level(LogLevel::Debug);
            say("heard");
            logs.set_level(LogLevel::Error);
            say("unheard");
        });
        assert!(output.text().contains("heard") && !output.text().contains("unheard"), "{}", output.text());
    }

    #[test]
    fn json_lines_are_objects_with_the_fields_of_the_event() {
        let (_logs, output, dispatch) = logging(LogLevel::Info, LogFormat::Json);
        tracing::dispatcher::with_default(&dispatch, || tracing::info!(service = "web", "registered"));
        let line: serde_json::Value = serde_json::from_str(&output.text()).unwrap();
        assert_eq!((&line["message"], &line["service"]), (&"registered".into(), &"web".into()));
    }

    #[tokio::test]
    async fn each_follower_hears_its_own_level_and_the_outputs_theirs() {
        let (logs, output, dispatch) = logging(LogLevel::Warn, LogFormat::Text);
        let mut debug = logs.follow(LogLevel::Debug, LogFormat::Text);
        let mut errors = logs.follow(LogLevel::Error, LogFormat::Json);
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::debug!("a detail");
            tracing::error!("a failure");
        });
        assert!(debug.next().await.unwrap().contains("a detail"));
        assert!(debug.next().await.unwrap().contains("a failure"));
        let line = errors.next().await.unwrap();
        assert!(line.starts_with('{') && line.contains("a failure") && line.ends_with('\n'), "{line}");
        assert!(!output.text().contains("a detail"));
    }

    #[tokio::test]
    async fn a_slow_follower_loses_lines_and_reads_how_many() {
        let (logs, _output, dispatch) = logging(LogLevel::Error, LogFormat::Text);
        let mut slow = logs.follow(LogLevel::Info, LogFormat::Text);
        tracing::dispatcher::with_default(&dispatch, || {
            for n in 0..2000 {
                tracing::info!(n, "line");
            }
        });
        assert!(slow.next().await.unwrap().contains("976 lines were lost"));
        assert!(slow.next().await.unwrap().contains("n=976"));
    }

    #[test]
    fn a_log_file_that_cannot_be_written_is_named() {
        let path = PathBuf::from("/no-such-directory/mesh.log");
        let options = LogOptions { level: LogLevel::Info, format: LogFormat::Text, file: Some(path) };
        let error = Logs::install(&options).err().unwrap().to_string();
        assert!(error.contains("/no-such-directory/mesh.log") && error.contains("log_file"), "{error}");
    }
}
