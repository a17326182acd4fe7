use super::super::error::ConfigError;
use super::super::runtime::{HttpConfig, RaftConfig, TelemetryConfig};
use super::super::settings::Settings;
use crate::wire::GoDuration;
use std::time::Duration;

fn or_seconds(given: Option<GoDuration>, default: u64) -> Duration {
    given.map_or(Duration::from_secs(default), |given| given.0)
}

pub(super) fn http(settings: &Settings) -> Result<HttpConfig, ConfigError> {
    let (http, limits, ui) = (&settings.http_config, &settings.limits, &settings.ui_config);
    for (name, value) in &http.response_headers {
        let name_is_valid = http::HeaderName::from_bytes(name.as_bytes()).is_ok();
        if !name_is_valid || http::HeaderValue::from_str(value).is_err() {
            let reason = format!("{name:?} and its value do not make an HTTP header");
            return Err(ConfigError::invalid("http_config.response_headers", reason));
        }
    }
    Ok(HttpConfig {
        response_headers: http.response_headers.clone(),
        allow_write_from: http.allow_write_http_from.iter().map(|net| net.0).collect(),
        block_endpoints: http.block_endpoints.clone(),
        max_connections_per_client: limits.http_max_conns_per_client.unwrap_or(200),
        default_query_time: or_seconds(settings.default_query_time, 300),
        max_query_time: or_seconds(settings.max_query_time, 600),
        kv_max_value_size: limits.kv_max_value_size.unwrap_or(512 << 10),
        txn_max_size: limits.txn_max_req_len.unwrap_or(512 << 10),
        ui: ui.enabled.or(settings.ui).unwrap_or(false),
        ui_path: ui_path(settings)?,
        ui_dir: ui.dir.clone().or_else(|| settings.ui_dir.clone()),
    })
}

fn ui_path(settings: &Settings) -> Result<String, ConfigError> {
    let given = settings.ui_config.content_path.as_ref().or(settings.ui_content_path.as_ref());
    let inner = given.map_or("ui", |path| path.trim_matches('/'));
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/');
    if inner.is_empty() || !inner.bytes().all(legal) {
        let reason = format!("found {inner:?}, want a path of letters, digits, '-' and '_', such as /ui/");
        return Err(ConfigError::invalid("ui_config.content_path", reason));
    }
    Ok(format!("/{inner}/"))
}

pub(super) fn raft(settings: &Settings) -> Result<RaftConfig, ConfigError> {
    Ok(RaftConfig {
        snapshot_threshold: settings.raft_snapshot_threshold.filter(|n| *n > 0).unwrap_or(16_384),
        snapshot_interval: or_seconds(settings.raft_snapshot_interval, 30),
        trailing_logs: settings.raft_trailing_logs.filter(|n| *n > 0).unwrap_or(10_240),
        multiplier: multiplier(settings)?,
        hold_timeout: or_seconds(settings.performance.rpc_hold_timeout, 7),
    })
}

/// How many times rarer heartbeats are, and longer elections. Unless it is said it is 1, which Consul advises for
/// servers: its default of 5 is for small machines.
pub(super) fn multiplier(settings: &Settings) -> Result<u32, ConfigError> {
    let found = settings.performance.raft_multiplier.unwrap_or(1);
    if (1..=10).contains(&found) {
        return Ok(found);
    }
    let reason = format!("found {found}, want 1 to 10");
    Err(ConfigError::invalid("performance.raft_multiplier", reason))
}

pub(super) fn telemetry(settings: &Settings) -> TelemetryConfig {
    let telemetry = &settings.telemetry;
    TelemetryConfig {
        metrics_prefix: telemetry.metrics_prefix.clone().unwrap_or_else(|| "consul".to_owned()),
        disable_hostname: telemetry.disable_hostname.unwrap_or(false),
        prometheus_retention: or_seconds(telemetry.prometheus_retention_time, 60),
    }
}
