use super::super::error::ConfigError;
use super::super::runtime::{ClusterConfig, FederationConfig, JoinAddress, TrustConfig};
use super::super::settings::{Autopilot, Settings};
use super::super::values::Parsed;
use super::limits;
use crate::model::AutopilotConfig;
use crate::wire::GoDuration;
use std::time::Duration;

/// The most servers that found a cluster together: more only make it slower.
const MOST_SERVERS: u32 = 9;

pub(super) fn cluster(settings: &Settings) -> Result<ClusterConfig, ConfigError> {
    let addresses = |given: &[Parsed<JoinAddress>]| given.iter().map(|address| address.0.clone()).collect();
    let interval = settings.retry_interval.map_or(Duration::from_secs(30), |given| given.0);
    Ok(ClusterConfig {
        server: settings.server.unwrap_or(false),
        expect: expect(settings)?,
        join: addresses(&settings.start_join),
        retry_join: addresses(&settings.retry_join),
        retry_interval: interval.max(Duration::from_millis(100)),
        federation: federation(settings),
        retry_max: settings.retry_max.unwrap_or(0),
        rejoin_after_leave: settings.rejoin_after_leave.unwrap_or(false),
        trust: trust(settings)?,
        autopilot: autopilot(&settings.autopilot, limits::multiplier(settings)?),
    })
}

fn federation(settings: &Settings) -> FederationConfig {
    let join = settings.start_join_wan.iter().chain(&settings.retry_join_wan);
    let interval = settings.retry_interval_wan.map_or(Duration::from_secs(30), |given| given.0);
    FederationConfig {
        join: join.map(|address| address.0.clone()).collect(),
        retry_interval: interval.max(Duration::from_millis(100)),
        primary: settings.primary_datacenter.clone(),
    }
}

/// A server that hears the leader less often is not worse for it.
fn autopilot(given: &Autopilot, multiplier: u32) -> AutopilotConfig {
    let default = AutopilotConfig::default();
    let silence = default.last_contact_threshold * multiplier;
    let or = |given: Option<GoDuration>, default| given.map_or(default, |given| given.0);
    AutopilotConfig {
        cleanup_dead_servers: given.cleanup_dead_servers.unwrap_or(default.cleanup_dead_servers),
        last_contact_threshold: or(given.last_contact_threshold, silence),
        max_trailing_logs: given.max_trailing_logs.unwrap_or(default.max_trailing_logs),
        min_quorum: given.min_quorum.unwrap_or(default.min_quorum),
        server_stabilization_time: or(given.server_stabilization_time, default.server_stabilization_time),
        index: default.index,
    }
}

/// A client agent asks servers, which it must find.
fn expect(settings: &Settings) -> Result<u32, ConfigError> {
    let (server, bootstrap) = (settings.server.unwrap_or(false), settings.bootstrap.unwrap_or(false));
    let joins = !settings.start_join.is_empty() || !settings.retry_join.is_empty();
    match (server, bootstrap, settings.bootstrap_expect.unwrap_or(0)) {
        (false, ..) if joins => Ok(0),
        (false, ..) => Err(ConfigError::invalid(
            "server",
            "found false, and no server to ask: give retry_join the address of one, or server = true for a server, \
             or start with -dev",
        )),
        (true, true, 0 | 1) | (true, false, 1) => Ok(1),
        (true, true, expect) => Err(ConfigError::invalid(
            "bootstrap_expect",
            format!(
                "found {expect} besides bootstrap = true, which founds a cluster alone: give one of them"
            ),
        )),
        (true, false, 0) if joins => Ok(0),
        (true, false, 0) => Err(ConfigError::invalid(
            "bootstrap",
            "found false; a server founds a cluster alone with bootstrap = true, with others with \
             bootstrap_expect, or is taken into one with retry_join",
        )),
        (true, false, expect @ 2..=MOST_SERVERS) => Ok(expect),
        (true, false, expect) => Err(ConfigError::invalid(
            "bootstrap_expect",
            format!("found {expect}; want 1 to {MOST_SERVERS}, best 3 or 5"),
        )),
    }
}

fn trust(settings: &Settings) -> Result<TrustConfig, ConfigError> {
    let secret = settings.encrypt.as_ref().map(|secret| secret.0.clone());
    match (&settings.ca_file, &settings.cert_file, &settings.key_file) {
        (None, None, None) => Ok(TrustConfig::Secret(secret)),
        (Some(authorities), Some(certificate), Some(key)) => Ok(TrustConfig::Files {
            authorities: authorities.clone(),
            certificate: certificate.clone(),
            key: key.clone(),
            gossip: secret,
        }),
        _ => Err(ConfigError::invalid(
            "ca_file",
            "ca_file, cert_file and key_file belong together: give all three, or none for the cluster's own",
        )),
    }
}
