use crate::cli::client::{AgentService, Upstream};
use crate::cli::flags::Matches;
use crate::model::{Datacenter, ServiceName};
use serde_json::Value;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What a proxy is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    /// The service that it stands for.
    pub service: ServiceName,
    pub upstreams: Vec<UpstreamSettings>,
    pub public: Option<PublicSettings>,
}

/// A local listener that leads to another service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UpstreamSettings {
    pub destination: ServiceName,
    /// Absent means the agent's own.
    pub datacenter: Option<Datacenter>,
    pub bind: SocketAddr,
}

/// The listener for other services, and the program behind it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PublicSettings {
    pub bind: SocketAddr,
    pub app: SocketAddr,
}

/// Why flags or a registration do not say what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SettingsError {
    #[error("-service or -proxy-id must be specified so that proxy can configure itself.")]
    NoService,
    #[error("-service-addr must be specified with -listen so the proxy knows the backend service address.")]
    NoServiceAddress,
    #[error("-register needs -listen: there is nothing to register without a public listener")]
    NothingToRegister,
    #[error("invalid value {found:?} for flag -upstream: want name:port or name:host:port")]
    Upstream { found: String },
    #[error("{what} {found:?} is not an IP address with a port")]
    Address { what: &'static str, found: String },
    #[error("{what} {found:?} is not a valid name: {reason}")]
    Name { what: &'static str, found: String, reason: String },
    #[error("service {id:?} of the agent is no proxy: its kind is {kind:?}, want \"connect-proxy\"")]
    NotAProxy { id: String, kind: String },
    #[error("upstream {found:?} is a prepared query, which this proxy cannot resolve: name a service")]
    PreparedQuery { found: String },
}

impl Settings {
    /// What flags ask for.
    pub fn from_flags(flags: &Matches) -> Result<Self, SettingsError> {
        let service = flags.value("service").ok_or(SettingsError::NoService)?;
        let upstreams = flags.values("upstream").iter().flat_map(|text| text.split(','));
        let public = public_from_flags(flags)?;
        if flags.is_on("register") && public.is_none() {
            return Err(SettingsError::NothingToRegister);
        }
        Ok(Self {
            service: service_name("service", service)?,
            upstreams: upstreams.map(upstream_from_flag).collect::<Result<_, _>>()?,
            public,
        })
    }

    /// What the registration of a proxy says.
    pub fn from_registration(found: &AgentService) -> Result<Self, SettingsError> {
        let no_proxy = || SettingsError::NotAProxy { id: found.id.clone(), kind: found.kind.clone() };
        let proxy = found.proxy.as_ref().filter(|_| found.kind == "connect-proxy").ok_or_else(no_proxy)?;
        Ok(Self {
            service: service_name("destination service", &proxy.destination_service_name)?,
            upstreams: proxy.upstreams.iter().map(upstream_from_registration).collect::<Result<_, _>>()?,
            public: public_from_registration(found)?,
        })
    }

    /// The rows that say to a person what the flags ask for.
    pub fn rows(&self) -> String {
        let mut rows = row("Service", self.service.as_str());
        for upstream in &self.upstreams {
            rows += &row("Upstream", &format!("{} => {}", upstream.destination, upstream.bind));
        }
        let public = self.public.as_ref().map(|public| format!("{} => {}", public.bind, public.app));
        rows + &row("Public listener", public.as_deref().unwrap_or("Disabled"))
    }
}

/// One row of what is printed at the start.
pub(super) fn row(name: &str, value: &str) -> String {
    let mut row = String::new();
    let _ = writeln!(row, "{name:>22}: {value}");
    row
}

fn public_from_flags(flags: &Matches) -> Result<Option<PublicSettings>, SettingsError> {
    let Some(listen) = flags.value("listen") else { return Ok(None) };
    let app = flags.value("service-addr").ok_or(SettingsError::NoServiceAddress)?;
    let bind = address("-listen address", listen, Ipv4Addr::UNSPECIFIED)?;
    Ok(Some(PublicSettings { bind, app: address("-service-addr address", app, Ipv4Addr::LOCALHOST)? }))
}

/// `name:port` or `name:host:port`.
fn upstream_from_flag(text: &str) -> Result<UpstreamSettings, SettingsError> {
    let refuse = || SettingsError::Upstream { found: text.to_owned() };
    let (name, at) = text.trim().split_once(':').ok_or_else(refuse)?;
    let at = if at.contains(':') { at.to_owned() } else { format!(":{at}") };
    let bind = address("upstream", &at, Ipv4Addr::LOCALHOST).map_err(|_| refuse())?;
    Ok(UpstreamSettings { destination: service_name("upstream", name)?, datacenter: None, bind })
}

fn upstream_from_registration(found: &Upstream) -> Result<UpstreamSettings, SettingsError> {
    let name = &found.destination_name;
    if found.destination_type == "prepared_query" {
        return Err(SettingsError::PreparedQuery { found: name.clone() });
    }
    let datacenter = Some(&found.datacenter).filter(|datacenter| !datacenter.is_empty());
    let datacenter = datacenter.map(|name| Datacenter::new(name)).transpose();
    Ok(UpstreamSettings {
        destination: service_name("upstream", name)?,
        datacenter: datacenter.map_err(|error| invalid("datacenter", &found.datacenter, &error))?,
        bind: host_and_port(
            "upstream's address",
            &found.local_bind_address,
            found.local_bind_port,
            Ipv4Addr::LOCALHOST,
        )?,
    })
}

/// The proxy's own configuration goes before the registration; without a port nobody can connect.
fn public_from_registration(found: &AgentService) -> Result<Option<PublicSettings>, SettingsError> {
    let Some(proxy) = &found.proxy else { return Ok(None) };
    let config = |key: &str| proxy.config.as_ref().and_then(|config| config.get(key));
    let port = config("bind_port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let port = port.unwrap_or(found.port);
    if port == 0 || proxy.local_service_port == 0 {
        return Ok(None);
    }
    let host = config("bind_address").and_then(Value::as_str).unwrap_or_default();
    let app = &proxy.local_service_address;
    Ok(Some(PublicSettings {
        bind: host_and_port("bind_address", host, port, Ipv4Addr::UNSPECIFIED)?,
        app: host_and_port("local_service_address", app, proxy.local_service_port, Ipv4Addr::LOCALHOST)?,
    }))
}

/// `host:port`, where an empty host means `default` and `localhost` the loopback.
fn address(what: &'static str, text: &str, default: Ipv4Addr) -> Result<SocketAddr, SettingsError> {
    let refuse = || SettingsError::Address { what, found: text.to_owned() };
    let (host, port) = text.rsplit_once(':').ok_or_else(refuse)?;
    let port = port.parse().map_err(|_| refuse())?;
    host_and_port(what, host.trim_matches(['[', ']']), port, default).map_err(|_| refuse())
}

fn host_and_port(
    what: &'static str,
    host: &str,
    port: u16,
    default: Ipv4Addr,
) -> Result<SocketAddr, SettingsError> {
    let ip = match host {
        "" => IpAddr::V4(default),
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => host.parse().map_err(|_| SettingsError::Address { what, found: host.to_owned() })?,
    };
    Ok(SocketAddr::new(ip, port))
}

fn service_name(what: &'static str, name: &str) -> Result<ServiceName, SettingsError> {
    ServiceName::new(name).map_err(|error| invalid(what, name, &error))
}

fn invalid(what: &'static str, found: &str, reason: &dyn std::fmt::Display) -> SettingsError {
    SettingsError::Name { what, found: found.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::connect::proxy::COMMAND;

    fn settings(line: &str) -> Result<Settings, SettingsError> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Settings::from_flags(&Matches::parse(&words, COMMAND.flags).unwrap())
    }

    #[test]
    fn flags_say_what_to_do_and_the_rows_repeat_it() {
        let line =
            "-service web -upstream db:9191,cache:10.0.0.1:6379 -listen :8443 -service-addr localhost:80";
        let expected = "               Service: web\n              Upstream: db => 127.0.0.1:9191\n              \
                        Upstream: cache => 10.0.0.1:6379\n       Public listener: 0.0.0.0:8443 => 127.0.0.1:80\n";
        assert_eq!(settings(line).unwrap().rows(), expected);
        assert!(settings("-service web").unwrap().rows().ends_with("Public listener: Disabled\n"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(settings("-upstream db:1"), Err(SettingsError::NoService));
        assert_eq!(settings("-service web -listen :1"), Err(SettingsError::NoServiceAddress));
        assert_eq!(settings("-service web -register"), Err(SettingsError::NothingToRegister));
        for upstream in ["db", "db:", "db:x", "db:1:2", "db:99999", "d!b:1", ""] {
            assert!(settings(&format!("-service web -upstream={upstream}")).is_err(), "{upstream}");
        }
    }

    fn registration(json: Value) -> Result<Settings, SettingsError> {
        Settings::from_registration(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn a_registration_says_what_to_do() {
        let found = registration(serde_json::json!({
            "Kind": "connect-proxy", "ID": "web-sidecar-proxy", "Service": "web-sidecar-proxy", "Port": 21000,
            "Proxy": {
                "DestinationServiceName": "web", "LocalServiceAddress": "127.0.0.1", "LocalServicePort": 8080,
                "Upstreams": [{"DestinationType": "service", "DestinationName": "db", "LocalBindPort": 9191}],
                "Config": {"bind_address": "127.0.0.2"},
            },
        }));
        let settings = found.unwrap();
        assert_eq!(settings.service.as_str(), "web");
        assert_eq!(settings.upstreams[0].bind, "127.0.0.1:9191".parse().unwrap());
        let public = settings.public.unwrap();
        assert_eq!(public.bind, "127.0.0.2:21000".parse().unwrap());
        assert_eq!(public.app, "127.0.0.1:8080".parse().unwrap());
    }

    #[test]
    fn a_registration_of_something_else_is_refused() {
        let error = registration(serde_json::json!({"ID": "web", "Service": "web"})).unwrap_err();
        assert!(error.to_string().contains("no proxy"), "{error}");
    }
}
