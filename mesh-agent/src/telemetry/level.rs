use std::fmt;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// How much is logged; each includes the ones after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Whose events are ours: the library's and the binary's. Of everybody else only warnings are of use.
const OURS: [&str; 2] = ["mesh_agent", "mesh"];

impl LogLevel {
    /// In any case; `err` and `error` are one.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "trace" => Some(Self::Trace),
            "debug" => Some(Self::Debug),
            "info" => Some(Self::Info),
            "warn" | "warning" => Some(Self::Warn),
            "err" | "error" => Some(Self::Error),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    pub(super) fn includes(self, level: Level) -> bool {
        LevelFilter::from(self) >= level
    }

    /// What lets events of this level through; nothing at all without a level.
    pub(super) fn filter(level: Option<Self>) -> Targets {
        let Some(level) = level else { return Targets::new().with_default(LevelFilter::OFF) };
        let others = level.max(Self::Warn);
        Targets::new()
            .with_targets(OURS.map(|target| (target, LevelFilter::from(level))))
            .with_default(LevelFilter::from(others))
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Trace => Self::TRACE,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Info => Self::INFO,
            LogLevel::Warn => Self::WARN,
            LogLevel::Error => Self::ERROR,
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_read_back_as_they_are_written_and_in_any_case() {
        for level in [LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error] {
            assert_eq!(LogLevel::parse(level.as_str()), Some(level));
            assert_eq!(LogLevel::parse(&level.as_str().to_uppercase()), Some(level));
        }
        assert_eq!(LogLevel::parse("err"), Some(LogLevel::Error));
        assert_eq!(LogLevel::parse("loud"), None);
    }

    #[test]
    fn a_level_includes_itself_and_what_is_worse() {
        assert!(LogLevel::Info.includes(Level::INFO) && LogLevel::Info.includes(Level::ERROR));
        assert!(!LogLevel::Info.includes(Level::DEBUG));
    }

    #[test]
    fn the_detail_of_other_crates_is_left_out() {
        let filter = LogLevel::filter(Some(LogLevel::Debug));
        assert!(filter.would_enable("mesh_agent::dns", &Level::DEBUG));
        assert!(filter.would_enable("h2::codec", &Level::WARN));
        assert!(!filter.would_enable("h2::codec", &Level::INFO));
        assert!(!LogLevel::filter(None).would_enable("mesh_agent", &Level::ERROR));
    }
}
