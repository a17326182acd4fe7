use crate::cli::flags::Matches;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The variables that the process was started with.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    /// The variable of exactly this name; empty means unset.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// `MESH_<name>`, or else `CONSUL_<name>`; empty means unset.
    fn get(&self, name: &str) -> Option<&str> {
        self.raw(&format!("MESH_{name}")).or_else(|| self.raw(&format!("CONSUL_{name}")))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }
}

/// Where an agent listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `host:port`, and whether TLS is spoken there.
    Tcp {
        authority: String,
        tls: bool,
    },
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { authority, tls: false } => write!(f, "http://{authority}"),
            Self::Tcp { authority, tls: true } => write!(f, "https://{authority}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// The files and names that TLS to the agent goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    pub ca_file: Option<PathBuf>,
    pub ca_path: Option<PathBuf>,
    pub client_cert: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    pub server_name: Option<String>,
    /// Off only where the environment says so: `CONSUL_HTTP_SSL_VERIFY=false`.
    pub verify: bool,
}

/// Which agent to talk to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    pub endpoint: Endpoint,
    pub token: Option<String>,
    /// `user:password` for a proxy before the agent.
    pub basic_auth: Option<String>,
    pub tls: TlsFiles,
}

/// Why flags and environment do not say which agent to talk to.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("address {found:?} is not host:port, http://host:port, https://host:port or unix:///path")]
    Address { found: String },
    #[error("cannot read the token file {path:?}: {source}")]
    TokenFile {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{name} is {found:?}, want true or false")]
    Boolean { name: &'static str, found: String },
}

impl ClientConfig {
    /// # Errors
    /// The address or a boolean is not understood, or the token file cannot be read.
    pub fn new(flags: &Matches, environment: &Environment) -> Result<Self, ConfigError> {
        let either = |flag, variable| flags.value(flag).or_else(|| environment.get(variable));
        let path = |flag, variable| either(flag, variable).map(PathBuf::from);
        let address = either("http-addr", "HTTP_ADDR").unwrap_or("127.0.0.1:8500");
        Ok(Self {
            endpoint: endpoint(address, boolean(environment, "HTTP_SSL")?.unwrap_or(false))?,
            token: token(flags, environment)?,
            basic_auth: environment.get("HTTP_AUTH").map(str::to_owned),
            tls: TlsFiles {
                ca_file: path("ca-file", "CACERT"),
                ca_path: path("ca-path", "CAPATH"),
                client_cert: path("client-cert", "CLIENT_CERT"),
                client_key: path("client-key", "CLIENT_KEY"),
                server_name: either("tls-server-name", "TLS_SERVER_NAME").map(str::to_owned),
                verify: boolean(environment, "HTTP_SSL_VERIFY")?.unwrap_or(true),
            },
        })
    }
}

fn endpoint(address: &str, tls: bool) -> Result<Endpoint, ConfigError> {
    let refuse = || ConfigError::Address { found: address.to_owned() };
    if let Some(path) = address.strip_prefix("unix://") {
        return Ok(Endpoint::Unix(PathBuf::from(path)));
    }
    let (rest, tls) = match address.split_once("://") {
        Some(("http", rest)) => (rest, tls),
        Some(("https", rest)) => (rest, true),
        Some(_) => return Err(refuse()),
        None => (address, tls),
    };
    let authority: http::uri::Authority = rest.trim_end_matches('/').parse().map_err(|_| refuse())?;
    let authority = match authority.port_u16() {
        Some(_) => authority.to_string(),
        None => format!("{authority}:{}", if tls { 443 } else { 80 }),
    };
    Ok(Endpoint::Tcp { authority, tls })
}

/// The flag goes before the file, and both before the environment.
fn token(flags: &Matches, environment: &Environment) -> Result<Option<String>, ConfigError> {
    if let Some(token) = flags.value("token") {
        return Ok(Some(token.to_owned()));
    }
    if let Some(file) = flags.value("token-file") {
        return read_token(file).map(Some);
    }
    if let Some(token) = environment.get("HTTP_TOKEN") {
        return Ok(Some(token.to_owned()));
    }
    environment.get("HTTP_TOKEN_FILE").map(read_token).transpose()
}

fn read_token(path: &str) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| ConfigError::TokenFile { path: path.to_owned(), source })?;
    Ok(text.trim().to_owned())
}

fn boolean(environment: &Environment, name: &'static str) -> Result<Option<bool>, ConfigError> {
    match environment.get(name) {
        None => Ok(None),
        Some("true" | "1" | "t") => Ok(Some(true)),
        Some("false" | "0" | "f") => Ok(Some(false)),
        Some(found) => Err(ConfigError::Boolean { name, found: found.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flags::Flag;

    fn config(line: &str, environment: &Environment) -> Result<ClientConfig, ConfigError> {
        let flags = [
            Flag::value("http-addr", "", ""),
            Flag::value("token", "", ""),
            Flag::value("token-file", "", ""),
        ];
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        ClientConfig::new(&Matches::parse(&words, &flags).unwrap(), environment)
    }

    #[test]
    fn an_address_has_many_spellings() {
        let cases = [
            ("", "http://127.0.0.1:8500"),
            ("-http-addr=10.0.0.1:80", "http://10.0.0.1:80"),
            ("-http-addr=http://a:1/", "http://a:1"),
            ("-http-addr=https://a", "https://a:443"),
            ("-http-addr=[::1]:8500", "http://[::1]:8500"),
            ("-http-addr=unix:///run/mesh.sock", "unix:///run/mesh.sock"),
        ];
        for (line, expected) in cases {
            assert_eq!(config(line, &Environment::default()).unwrap().endpoint.to_string(), expected);
        }
        for line in ["-http-addr=ftp://a:1", "-http-addr=a:b:c", "-http-addr=http://"] {
            assert!(config(line, &Environment::default()).is_err(), "{line}");
        }
    }

    #[test]
    fn flags_go_before_our_variables_and_those_before_consuls() {
        let both = [("MESH_HTTP_ADDR", "m:1"), ("CONSUL_HTTP_ADDR", "c:1"), ("CONSUL_HTTP_TOKEN", "t")];
        let chosen = |line: &str| config(line, &Environment::from(both)).unwrap();
        assert_eq!(chosen("-http-addr=f:1").endpoint.to_string(), "http://f:1");
        assert_eq!(chosen("").endpoint.to_string(), "http://m:1");
        assert_eq!(chosen("").token.as_deref(), Some("t"));
        assert_eq!(chosen("-token=x").token.as_deref(), Some("x"));
    }

    #[test]
    fn the_environment_can_ask_for_tls() {
        let chosen = config("", &Environment::from([("CONSUL_HTTP_SSL", "true")])).unwrap();
        assert_eq!(chosen.endpoint.to_string(), "https://127.0.0.1:8500");
        assert!(chosen.tls.verify);
        assert!(config("", &Environment::from([("CONSUL_HTTP_SSL", "maybe")])).is_err());
    }

    #[test]
    fn a_token_file_that_is_not_there_is_named() {
        let error = config("-token-file=/no/such/file", &Environment::default()).unwrap_err();
        assert!(error.to_string().contains("/no/such/file"));
    }
}
