use super::super::error::ConfigError;
use super::super::host::Host;
use super::super::runtime::{NetworkConfig, NodeConfig};
use super::super::settings::Settings;
use crate::model::{Datacenter, Meta, NodeName};
use crate::wire::check_meta;

pub(super) fn node(
    settings: &Settings,
    network: &NetworkConfig,
    host: &Host,
) -> Result<NodeConfig, ConfigError> {
    let meta = settings.node_meta.clone();
    check_meta("node_meta", &meta).map_err(|error| ConfigError::invalid("node_meta", error.reason))?;
    Ok(NodeConfig {
        name: name(settings, host)?,
        id: settings.node_id.as_ref().map(|id| id.0),
        datacenter: datacenter(settings)?,
        meta,
        tagged_addresses: tagged_addresses(settings, network),
    })
}

fn name(settings: &Settings, host: &Host) -> Result<NodeName, ConfigError> {
    if let Some(name) = &settings.node_name {
        return Ok(name.clone());
    }
    let from_host = NodeName::new(&host.name);
    from_host.map_err(|error| {
        ConfigError::invalid("node_name", format!("it is missing, and as the host's {error}"))
    })
}

fn datacenter(settings: &Settings) -> Result<Datacenter, ConfigError> {
    match &settings.datacenter {
        Some(datacenter) => Ok(datacenter.clone()),
        None => Datacenter::new("dc1").map_err(|error| ConfigError::invalid("datacenter", error.to_string())),
    }
}

fn tagged_addresses(settings: &Settings, network: &NetworkConfig) -> Meta {
    let lan = network.advertise.to_string();
    let wan = network.advertise_wan.to_string();
    let family = if network.advertise.is_ipv4() { "ipv4" } else { "ipv6" };
    let own = [
        ("lan".to_owned(), lan.clone()),
        (format!("lan_{family}"), lan),
        ("wan".to_owned(), wan.clone()),
        (format!("wan_{family}"), wan),
    ];
    let given = settings.tagged_addresses.iter().map(|(tag, ip)| (tag.clone(), ip.0.to_string()));
    own.into_iter().chain(given).collect()
}
