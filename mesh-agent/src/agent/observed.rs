use super::config::RuntimeConfig;
use crate::telemetry::{LogFormat, LogOptions, Logs, Metrics, TelemetryError};

/// The agent's logs and metrics, installed for the whole process.
#[derive(Clone)]
pub(super) struct Observed {
    pub logs: Logs,
    pub metrics: Metrics,
}

impl Observed {
    pub fn start(config: &RuntimeConfig) -> Result<Self, TelemetryError> {
        let format = if config.log.json { LogFormat::Json } else { LogFormat::Text };
        let options =
            LogOptions { level: config.reloadable.log_level, format, file: config.log.file.clone() };
        let (logs, metrics) = (Logs::install(&options)?, Metrics::default());
        metrics.install()?;
        Ok(Self { logs, metrics })
    }
}
