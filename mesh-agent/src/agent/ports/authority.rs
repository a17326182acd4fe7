use crate::ca::{CaError, CaManager};
use crate::catalog::Later;
use crate::http::Authority;
use crate::model::{CaConfig, Opaque};
use crate::peer::{CaRequest, RemoteServers};
use std::sync::Arc;

/// The servers' CA, as a client agent has it: its roots are in the view.
pub(in crate::agent) struct RemoteAuthority {
    pub roots: Arc<CaManager>,
    pub servers: RemoteServers,
}

impl Authority for RemoteAuthority {
    fn configuration(&self) -> Result<CaConfig, CaError> {
        self.roots.configuration()
    }

    fn configure<'a>(&'a self, provider: &'a str, config: &'a Opaque) -> Later<'a, Result<(), CaError>> {
        Box::pin(async move {
            let request = CaRequest { provider: provider.to_owned(), config: config.clone() };
            self.servers.configure_ca(&request).await
        })
    }
}
