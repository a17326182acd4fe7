use super::error::At;
use super::{FieldError, GoDuration};
use crate::model::{self, CheckId, CheckStatus, DEFAULT_CHECK_OUTPUT, NodeName, Probe, ServiceId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A health check as `check/register`, a service's `check`/`checks` and configuration files have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct CheckDefinition {
    #[serde(rename(serialize = "ID"))]
    pub id: Option<String>,
    /// What a check inside a service calls its id.
    #[serde(rename(serialize = "CheckID"))]
    pub check_id: Option<String>,
    pub name: String,
    pub notes: String,
    #[serde(rename(serialize = "ServiceID"))]
    pub service_id: Option<String>,
    pub status: String,
    pub token: String,
    #[serde(rename(serialize = "ScriptArgs"), alias = "script_args")]
    pub args: Vec<String>,
    /// A line for the shell; old form of `args`.
    pub script: String,
    #[serde(rename(serialize = "HTTP"))]
    pub http: String,
    pub method: String,
    pub header: BTreeMap<String, Vec<String>>,
    pub body: String,
    /// Redirects are never followed, whatever this says.
    pub disable_redirects: bool,
    #[serde(rename(serialize = "TCP"))]
    pub tcp: String,
    #[serde(rename(serialize = "UDP"))]
    pub udp: String,
    #[serde(rename(serialize = "GRPC"))]
    pub grpc: String,
    #[serde(rename(serialize = "GRPCUseTLS"))]
    pub grpc_use_tls: bool,
    #[serde(rename(serialize = "H2PING"))]
    pub h2ping: String,
    #[serde(rename(serialize = "H2PingUseTLS"))]
    pub h2ping_use_tls: Option<bool>,
    #[serde(rename(serialize = "TTL"))]
    pub ttl: Option<GoDuration>,
    pub alias_node: String,
    pub alias_service: String,
    #[serde(rename(serialize = "DockerContainerID"))]
    pub docker_container_id: String,
    pub shell: String,
    #[serde(rename(serialize = "OSService"))]
    pub os_service: String,
    #[serde(rename(serialize = "TLSSkipVerify"))]
    pub tls_skip_verify: bool,
    #[serde(rename(serialize = "TLSServerName"))]
    pub tls_server_name: String,
    pub interval: Option<GoDuration>,
    pub timeout: Option<GoDuration>,
    pub deregister_critical_service_after: Option<GoDuration>,
    pub success_before_passing: u32,
    pub failures_before_warning: u32,
    pub failures_before_critical: u32,
    pub output_max_size: Option<usize>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub partition: String,
}

/// Shorter intervals are lengthened to this, so that a slip of a unit does not keep a host busy.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// A probe may take this long, or its interval if that is shorter.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Whose check it is, which decides the id and name it gets when it brings none.
#[derive(Clone, Copy, Debug)]
pub enum CheckOf<'a> {
    /// The node's, or the service's that the definition names.
    Agent,
    Service {
        id: &'a ServiceId,
        name: &'a str,
        /// Where in the service's checks it stands, from 1; absent for an only one.
        position: Option<usize>,
    },
}

impl CheckDefinition {
    /// Nothing is said in it; clients send such checks for "none".
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    /// No probe or several; a probe without interval; a bad id, name, status or value.
    pub fn into_model(self, of: CheckOf<'_>) -> Result<model::CheckDefinition, FieldError> {
        default_only("namespace", &self.namespace)?;
        default_only("partition", &self.partition)?;
        let probe = self.probe()?;
        let interval = self.interval_for(&probe)?;
        let timeout = self.timeout.filter(|given| !given.0.is_zero()).map(|given| given.0);
        let (id, name) = self.id_and_name(of)?;
        let failures_before_critical = self.failures_before_critical.max(1);
        let failures_before_warning = match self.failures_before_warning {
            0 => failures_before_critical,
            given => given,
        };
        Ok(model::CheckDefinition {
            id,
            name,
            service: self.service(of)?,
            initial: self.initial()?,
            interval,
            timeout: timeout.unwrap_or_else(|| default_timeout(&probe, interval)),
            success_before_passing: self.success_before_passing.max(1),
            failures_before_warning,
            failures_before_critical,
            deregister_critical_after: positive(self.deregister_critical_service_after),
            output_max_size: self.output_max_size.filter(|size| *size > 0).unwrap_or(DEFAULT_CHECK_OUTPUT),
            notes: self.notes,
            probe,
        })
    }

    fn id_and_name(&self, of: CheckOf<'_>) -> Result<(CheckId, String), FieldError> {
        let given = [&self.check_id, &self.id].into_iter().flatten().find(|id| !id.is_empty());
        let (id, name) = match of {
            CheckOf::Agent if self.name.is_empty() => {
                let name =
                    given.cloned().ok_or_else(|| FieldError::new("name", "a check needs a name or an id"))?;
                (name.clone(), name)
            }
            CheckOf::Agent => (self.name.clone(), self.name.clone()),
            CheckOf::Service { id, name, position } => {
                let position = position.map(|n| format!(":{n}")).unwrap_or_default();
                (format!("service:{id}{position}"), format!("Service '{name}' check"))
            }
        };
        let id = CheckId::new(given.unwrap_or(&id)).at("check_id")?;
        Ok((id, if self.name.is_empty() { name } else { self.name.clone() }))
    }

    fn service(&self, of: CheckOf<'_>) -> Result<Option<ServiceId>, FieldError> {
        match of {
            CheckOf::Service { id, .. } => Ok(Some(id.clone())),
            CheckOf::Agent => {
                optional(self.service_id.as_deref().unwrap_or_default(), ServiceId::new, "service_id")
            }
        }
    }

    fn initial(&self) -> Result<CheckStatus, FieldError> {
        match self.status.as_str() {
            "" => Ok(CheckStatus::default()),
            text => CheckStatus::parse(text).ok_or_else(|| {
                FieldError::new(
                    "status",
                    format!("found {text:?}, want \"passing\", \"warning\" or \"critical\""),
                )
            }),
        }
    }

    fn interval_for(&self, probe: &Probe) -> Result<Duration, FieldError> {
        let given = self.interval.map(|given| given.0).unwrap_or_default();
        match probe {
            Probe::Ttl { .. } if !given.is_zero() => {
                Err(FieldError::new("interval", "a check has an interval or a ttl, not both"))
            }
            Probe::Ttl { .. } | Probe::Alias { .. } => Ok(given),
            _ if given.is_zero() => {
                let reason = format!("a {} check needs an interval, such as \"10s\"", probe.kind());
                Err(FieldError::new("interval", reason))
            }
            _ => Ok(given.max(MIN_INTERVAL)),
        }
    }

    /// The one thing that the check does.
    fn probe(&self) -> Result<Probe, FieldError> {
        self.refuse_unsupported()?;
        let mut probes = self.probes()?.into_iter().flatten();
        let probe = probes.next().ok_or_else(|| {
            let wanted = "args, http, tcp, udp, grpc, h2ping, ttl, alias_node or alias_service";
            FieldError::new("check", format!("it says nothing to check: give one of {wanted}"))
        })?;
        match probes.next() {
            None => Ok(probe),
            Some(second) => Err(FieldError::new(
                "check",
                format!("it says two things to check, {} and {}: give one", probe.kind(), second.kind()),
            )),
        }
    }

    fn refuse_unsupported(&self) -> Result<(), FieldError> {
        let refuse = |field: &str| {
            let reason =
                "checks of this kind are not supported: use args, http, tcp, udp, grpc, h2ping or ttl";
            Err(FieldError::new(field, reason))
        };
        match () {
            () if !self.docker_container_id.is_empty() => refuse("docker_container_id"),
            () if !self.shell.is_empty() => refuse("shell"),
            () if !self.os_service.is_empty() => refuse("os_service"),
            () => Ok(()),
        }
    }

    fn probes(&self) -> Result<[Option<Probe>; 8], FieldError> {
        let tls_skip_verify = self.tls_skip_verify;
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok([
            self.http_probe()?,
            given(&self.tcp).map(|address| Probe::Tcp { address }),
            given(&self.udp).map(|address| Probe::Udp { address }),
            given(&self.grpc).map(|target| Probe::Grpc { target, tls: self.grpc_use_tls, tls_skip_verify }),
            given(&self.h2ping).map(|address| Probe::H2Ping {
                address,
                tls: self.h2ping_use_tls.unwrap_or(true),
                tls_skip_verify,
            }),
            positive(self.ttl).map(|ttl| Probe::Ttl { ttl }),
            self.script_probe()?,
            self.alias_probe()?,
        ])
    }

    fn http_probe(&self) -> Result<Option<Probe>, FieldError> {
        if self.http.is_empty() {
            return Ok(None);
        }
        let valid = |url: url::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if !url::Url::parse(&self.http).is_ok_and(valid) {
            let reason = format!("found {:?}, want a URL that begins with http:// or https://", self.http);
            return Err(FieldError::new("http", reason));
        }
        let method = if self.method.is_empty() { "GET" } else { &self.method };
        http::Method::from_bytes(method.as_bytes()).at("method")?;
        Ok(Some(Probe::Http {
            url: self.http.clone(),
            method: method.to_owned(),
            headers: self.header.clone(),
            body: self.body.clone(),
            tls_server_name: self.tls_server_name.clone(),
            tls_skip_verify: self.tls_skip_verify,
        }))
    }

    fn script_probe(&self) -> Result<Option<Probe>, FieldError> {
        let args = match (self.args.as_slice(), self.script.as_str()) {
            ([], "") => return Ok(None),
            ([], line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.to_owned()],
            (args, "") => args.to_vec(),
            _ => return Err(FieldError::new("script", "a check has args or a script, not both")),
        };
        if args[0].is_empty() {
            return Err(FieldError::new("args", "the first is the program to run and cannot be empty"));
        }
        Ok(Some(Probe::Script { args }))
    }

    fn alias_probe(&self) -> Result<Option<Probe>, FieldError> {
        let node = optional(&self.alias_node, NodeName::new, "alias_node")?;
        let service = optional(&self.alias_service, ServiceId::new, "alias_service")?;
        Ok((node.is_some() || service.is_some()).then_some(Probe::Alias { node, service }))
    }
}

fn positive(given: Option<GoDuration>) -> Option<Duration> {
    given.map(|given| given.0).filter(|given| !given.is_zero())
}

fn default_timeout(probe: &Probe, interval: Duration) -> Duration {
    match probe {
        Probe::Script { .. } => SCRIPT_TIMEOUT,
        Probe::Ttl { .. } | Probe::Alias { .. } => PROBE_TIMEOUT,
        _ => interval.min(PROBE_TIMEOUT),
    }
}

/// An empty text is an absent value.
pub(super) fn optional<T, E: std::fmt::Display>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, E>,
    field: &str,
) -> Result<Option<T>, FieldError> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some).at(field) }
}

/// There is one namespace and one partition.
pub(super) fn default_only(field: &str, found: &str) -> Result<(), FieldError> {
    match found {
        "" | "default" => Ok(()),
        _ => Err(FieldError::new(field, format!("found {found:?}, only \"default\" exists"))),
    }
}
