use super::super::error::ConfigError;
use super::super::fragment::Defined;
use super::super::runtime::{ChecksConfig, ScriptChecks};
use super::super::settings::Settings;
use crate::model::{CheckDefinition, DEFAULT_CHECK_OUTPUT, Probe, ProxyRequest, ServiceDefinition};
use crate::wire::FieldError;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) fn checks_config(settings: &Settings) -> ChecksConfig {
    let scripts = match (settings.enable_script_checks, settings.enable_local_script_checks) {
        (Some(true), _) => ScriptChecks::Any,
        (_, Some(true)) => ScriptChecks::Local,
        _ => ScriptChecks::Off,
    };
    ChecksConfig {
        scripts,
        update_interval: settings.check_update_interval.map_or(Duration::from_mins(5), |given| given.0),
        output_max_size: settings
            .check_output_max_size
            .filter(|size| *size > 0)
            .unwrap_or(DEFAULT_CHECK_OUTPUT),
        discard_output: settings.discard_check_output.unwrap_or(false),
    }
}

pub(super) fn services(
    list: Vec<Defined<ServiceDefinition>>,
    scripts: ScriptChecks,
) -> Result<Vec<ServiceDefinition>, ConfigError> {
    refuse_twice(
        "services",
        list.iter().map(|defined| (defined.value.service.id.to_string(), &defined.origin)),
    )?;
    for defined in &list {
        let sidecar = match &defined.value.proxy {
            Some(ProxyRequest::Sidecar(sidecar)) => sidecar.checks.as_deref().unwrap_or_default(),
            _ => &[],
        };
        let mut checks = defined.value.checks.iter().chain(sidecar);
        checks.try_for_each(|check| refuse_script(&defined.origin, check, scripts))?;
    }
    Ok(list.into_iter().map(|defined| defined.value).collect())
}

pub(super) fn checks(
    list: Vec<Defined<CheckDefinition>>,
    scripts: ScriptChecks,
) -> Result<Vec<CheckDefinition>, ConfigError> {
    refuse_twice("checks", list.iter().map(|defined| (defined.value.id.to_string(), &defined.origin)))?;
    list.iter().try_for_each(|defined| refuse_script(&defined.origin, &defined.value, scripts))?;
    Ok(list.into_iter().map(|defined| defined.value).collect())
}

fn refuse_script(origin: &str, check: &CheckDefinition, scripts: ScriptChecks) -> Result<(), ConfigError> {
    if scripts != ScriptChecks::Off || !matches!(check.probe, Probe::Script { .. }) {
        return Ok(());
    }
    let reason = format!(
        "check {:?} runs a command, and no command may be run: set enable_local_script_checks = true",
        check.id
    );
    Err(ConfigError::Definition { origin: origin.to_owned(), source: FieldError::new("args", reason) })
}

fn refuse_twice<'a>(
    key: &'static str,
    ids: impl Iterator<Item = (String, &'a String)>,
) -> Result<(), ConfigError> {
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    for (id, origin) in ids {
        if let Some(first) = seen.get(&id) {
            let reason = format!("id {id:?} stands in {first} and in {origin}: give each its own");
            return Err(ConfigError::invalid(key, reason));
        }
        seen.insert(id, origin);
    }
    Ok(())
}
