//! Makes settings into a [`RuntimeConfig`]: defaults filled in, combinations checked.

mod cluster;
mod definitions;
mod limits;
mod network;
mod node;

use super::error::ConfigError;
use super::fragment::Fragment;
use super::host::Host;
use super::runtime::{
    ConnectConfig, DataPlaneConfig, DataPlaneMode, LeaveConfig, LogConfig, LogLevel, Reloadable,
    RuntimeConfig,
};
use super::settings::{Connect, Settings};
use super::watch;
use crate::ca::CaSettings;
use crate::dataplane::Accelerate;
use crate::model::IntentionAction;
use crate::proxy::Ktls;
use std::path::PathBuf;
use std::time::Duration;

/// # Errors
/// Something that an agent needs is missing, or two settings contradict each other.
pub(super) fn build(fragment: Fragment, dev: bool, host: &Host) -> Result<RuntimeConfig, ConfigError> {
    let Fragment { mut settings, services, checks, .. } = fragment;
    refuse_tokens(&settings)?;
    let cluster = cluster::cluster(&settings)?;
    let network = network::network(&settings, host)?;
    let log_level = settings.log_level.as_ref().map_or(LogLevel::Info, |level| level.0);
    let checks_config = definitions::checks_config(&settings);
    let reloadable = Reloadable {
        services: definitions::services(services, checks_config.scripts)?,
        checks: definitions::checks(checks, checks_config.scripts)?,
        log_level,
        watches: watch::watches(std::mem::take(&mut settings.watches))?,
    };
    Ok(RuntimeConfig {
        node: node::node(&settings, &network, host)?,
        dev,
        data_dir: data_dir(&settings, dev)?,
        dns: network::dns(&settings),
        http: limits::http(&settings)?,
        connect: connect(&settings)?,
        dataplane: dataplane(&settings),
        checks: checks_config,
        raft: limits::raft(&settings)?,
        telemetry: limits::telemetry(&settings),
        log: LogConfig { json: settings.log_json.unwrap_or(false), file: settings.log_file.clone() },
        leave: leave(&settings),
        remote_exec: settings.disable_remote_exec == Some(false),
        pid_file: settings.pid_file.clone(),
        cluster,
        network,
        reloadable,
    })
}

/// Who believes that tokens are checked must not find out later that they are not.
fn refuse_tokens(settings: &Settings) -> Result<(), ConfigError> {
    const REASON: &str = "this version does not check tokens, so it does not start as if it did: leave it out, \
                          and close the mesh with default_intention_policy = \"deny\"";
    if settings.acl.enabled == Some(true) {
        return Err(ConfigError::invalid("acl.enabled", format!("found true; {REASON}")));
    }
    if settings.acl_datacenter.as_ref().is_some_and(|datacenter| !datacenter.is_empty()) {
        return Err(ConfigError::invalid("acl_datacenter", format!("it turns tokens on; {REASON}")));
    }
    Ok(())
}

fn data_dir(settings: &Settings, dev: bool) -> Result<Option<PathBuf>, ConfigError> {
    match settings.data_dir.clone().filter(|path| !path.as_os_str().is_empty()) {
        _ if dev => Ok(None),
        Some(path) => Ok(Some(path)),
        None => Err(ConfigError::invalid(
            "data_dir",
            "it is missing; give the directory that the agent may keep its state in, or start with -dev",
        )),
    }
}

fn connect(settings: &Settings) -> Result<ConnectConfig, ConfigError> {
    let connect: &Connect = &settings.connect;
    let ca_provider = connect.ca_provider.clone().unwrap_or_else(|| "consul".to_owned());
    if ca_provider != "consul" {
        let reason = format!("found {ca_provider:?}, want \"consul\", the built-in one");
        return Err(ConfigError::invalid("connect.ca_provider", reason));
    }
    CaSettings::parse(&ca_provider, &connect.ca_config)
        .map_err(|refused| ConfigError::invalid("connect.ca_config", refused.to_string()))?;
    let policies =
        [&settings.default_intention_policy, &settings.acl.default_policy, &settings.acl_default_policy];
    let intention_default = policies.into_iter().flatten().next().map_or(IntentionAction::Allow, |p| p.0);
    let managed = connect.proxy.allow_managed_api_registration;
    Ok(ConnectConfig {
        enabled: connect.enabled.unwrap_or(true),
        ca_provider,
        ca_config: connect.ca_config.clone(),
        intention_default,
        allow_managed_api_registration: managed.unwrap_or(false),
        proxy_defaults: connect.proxy_defaults.config.clone(),
        external_sidecars: connect.external_sidecars.unwrap_or(false),
    })
}

fn dataplane(settings: &Settings) -> DataPlaneConfig {
    let pins = settings.dataplane_pins.clone();
    DataPlaneConfig {
        mode: settings.dataplane.as_ref().map_or(DataPlaneMode::default(), |mode| mode.0),
        cgroup: settings.dataplane_cgroup.clone(),
        pins: pins.unwrap_or_else(|| crate::dataplane::DEFAULT_PINS.into()),
        object: settings.dataplane_object.clone(),
        accelerate: settings.dataplane_accelerate.as_ref().map_or(Accelerate::default(), |wish| wish.0),
        dns: settings.dataplane_dns.unwrap_or(true),
        ktls: settings.dataplane_ktls.as_ref().map_or(Ktls::default(), |wish| wish.0),
    }
}

fn leave(settings: &Settings) -> LeaveConfig {
    let drain = settings.performance.leave_drain_time;
    LeaveConfig {
        on_terminate: settings.leave_on_terminate.unwrap_or(false),
        skip_on_interrupt: settings.skip_leave_on_interrupt.unwrap_or(true),
        drain: drain.map_or(Duration::from_secs(5), |given| given.0),
    }
}
