use super::super::error::ConfigError;
use super::super::host::Host;
use super::super::runtime::{DnsConfig, NetworkConfig, SoaConfig};
use super::super::settings::{Dns, Settings};
use super::super::values::{Parsed, Port};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

pub(super) fn network(settings: &Settings, host: &Host) -> Result<NetworkConfig, ConfigError> {
    let ports = &settings.ports;
    if let Some(Port(Some(port))) = ports.https {
        let reason = format!("found {port}; HTTPS for the API is not available in this version: want -1");
        return Err(ConfigError::invalid("ports.https", reason));
    }
    let bind = settings.bind_addr.as_ref().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ip| ip.0);
    let client =
        settings.client_addr.as_ref().map_or(vec![Ipv4Addr::LOCALHOST.into()], |list| list.0.clone());
    let listeners = |own: &Option<Parsed<Vec<IpAddr>>>, port: Option<Port>, default: Option<u16>| {
        let addresses = own.as_ref().map_or(&client, |list| &list.0);
        let port = port.map_or(default, |port| port.0);
        addresses.iter().flat_map(|ip| port.map(|port| SocketAddr::new(*ip, port))).collect::<Vec<_>>()
    };
    let addresses = &settings.addresses;
    let advertise = advertise(settings, bind, host)?;
    let network = NetworkConfig {
        bind,
        advertise,
        advertise_wan: settings.advertise_addr_wan.as_ref().map_or(advertise, |ip| ip.0),
        http: listeners(&addresses.http, ports.http, Some(8500)),
        dns: listeners(&addresses.dns, ports.dns, Some(8600)),
        grpc: listeners(&addresses.grpc, ports.grpc, None),
        server_port: server_port(ports.server)?,
        serf_lan_port: ports.serf_lan.map_or(Some(8301), |port| port.0),
        serf_wan_port: ports.serf_wan.map_or(Some(8302), |port| port.0),
        sidecar_ports: range(
            "ports.sidecar_min_port",
            (ports.sidecar_min_port, 21_000),
            (ports.sidecar_max_port, 21_255),
        )?,
        proxy_ports: range(
            "ports.proxy_min_port",
            (ports.proxy_min_port, 20_000),
            (ports.proxy_max_port, 20_255),
        )?,
    };
    refuse_shared_listeners(&network)?;
    Ok(network)
}

fn advertise(settings: &Settings, bind: IpAddr, host: &Host) -> Result<IpAddr, ConfigError> {
    match &settings.advertise_addr {
        Some(Parsed(given)) if given.is_unspecified() => {
            let reason = format!("found {given}; others cannot connect to it: give an address of this host");
            Err(ConfigError::invalid("advertise_addr", reason))
        }
        Some(Parsed(given)) => Ok(*given),
        None if !bind.is_unspecified() => Ok(bind),
        None => host.address().ok_or_else(|| {
            let reason = format!(
                "it is missing, and this host has {} addresses to choose from ({:?}): give the one that others reach it by, or bind_addr",
                host.addresses.len(),
                host.addresses,
            );
            ConfigError::invalid("advertise_addr", reason)
        }),
    }
}

fn server_port(given: Option<Port>) -> Result<u16, ConfigError> {
    match given {
        None => Ok(8300),
        Some(Port(Some(port))) => Ok(port),
        Some(Port(None)) => {
            Err(ConfigError::invalid("ports.server", "found -1; a server needs it: want 0 to 65535"))
        }
    }
}

fn range(
    key: &'static str,
    (min, default_min): (Option<u16>, u16),
    (max, default_max): (Option<u16>, u16),
) -> Result<RangeInclusive<u16>, ConfigError> {
    let (min, max) = (min.unwrap_or(default_min), max.unwrap_or(default_max));
    if min == 0 || max < min {
        return Err(ConfigError::invalid(
            key,
            format!("found {min} to {max}; want 1 or more, and no more than its max"),
        ));
    }
    Ok(min..=max)
}

fn refuse_shared_listeners(network: &NetworkConfig) -> Result<(), ConfigError> {
    let mut taken = BTreeSet::new();
    let lists = [("ports.http", &network.http), ("ports.dns", &network.dns), ("ports.grpc", &network.grpc)];
    for (key, list) in lists {
        for address in list.iter().filter(|address| address.port() != 0) {
            if !taken.insert(*address) {
                return Err(ConfigError::invalid(
                    key,
                    format!("another listener has {address} already: give each its own"),
                ));
            }
        }
    }
    Ok(())
}

pub(super) fn dns(settings: &Settings) -> DnsConfig {
    let dns: &Dns = &settings.dns_config;
    let soa = &dns.soa;
    let seconds = |given: Option<crate::wire::GoDuration>, default: u64| {
        given.map_or(Duration::from_secs(default), |given| given.0)
    };
    DnsConfig {
        domains: domains(settings),
        recursors: settings.recursors.iter().map(|recursor| recursor.0).collect(),
        recursor_timeout: seconds(dns.recursor_timeout, 2),
        only_passing: dns.only_passing.unwrap_or(false),
        node_ttl: seconds(dns.node_ttl, 0),
        service_ttl: dns.service_ttl.iter().map(|(name, ttl)| (name.clone(), ttl.0)).collect(),
        a_record_limit: dns.a_record_limit.unwrap_or(0),
        udp_answer_limit: dns.udp_answer_limit.unwrap_or(3),
        enable_truncate: dns.enable_truncate.unwrap_or(false),
        disable_compression: dns.disable_compression.unwrap_or(false),
        node_meta_txt: dns.enable_additional_node_meta_txt.unwrap_or(true),
        soa: SoaConfig {
            refresh: soa.refresh.unwrap_or(3600),
            retry: soa.retry.unwrap_or(600),
            expire: soa.expire.unwrap_or(86_400),
            min_ttl: soa.min_ttl.unwrap_or(0),
        },
        allow_stale: dns.allow_stale.unwrap_or(true),
        max_stale: seconds(dns.max_stale, 10 * 365 * 24 * 3600),
    }
}

/// The configured ones first, and the two that are always answered.
fn domains(settings: &Settings) -> Vec<String> {
    let configured =
        [&settings.domain, &settings.alt_domain].into_iter().flatten().map(|domain| domain.0.0.clone());
    let mut domains: Vec<String> = Vec::new();
    for domain in configured.chain(["consul".to_owned(), "mesh".to_owned()]) {
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    domains
}
