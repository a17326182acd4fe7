use std::io;
use std::net::SocketAddr;

/// Why an engine or one of its listeners could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error(
        "the proxy could not create its {what}: {source}; raise the limits of open files and threads (ulimit -n, -u)"
    )]
    Resources {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("the proxy of service {service:?} cannot listen on {bind}: {source}; {remedy}")]
    Bind {
        service: String,
        bind: SocketAddr,
        remedy: &'static str,
        #[source]
        source: io::Error,
    },
}

impl ProxyError {
    pub(super) fn bind(service: &str, bind: SocketAddr, source: io::Error) -> Self {
        let remedy = match source.kind() {
            io::ErrorKind::AddrInUse => "choose another port or stop what listens there (see `ss -ltnp`)",
            io::ErrorKind::AddrNotAvailable => "bind to an address that this machine has, or to 0.0.0.0",
            io::ErrorKind::PermissionDenied => "choose a port above 1023 or grant CAP_NET_BIND_SERVICE",
            _ => "check the address",
        };
        Self::Bind { service: service.to_owned(), bind, remedy, source }
    }
}
