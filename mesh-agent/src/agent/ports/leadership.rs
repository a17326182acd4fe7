use crate::catalog::Catalog;
use crate::session::Leadership;

/// The server whose address the cluster knows as its leader's leads.
pub(in crate::agent) struct CatalogLeadership {
    pub catalog: Catalog,
    /// This server's RPC address.
    pub own: String,
}

impl Leadership for CatalogLeadership {
    fn leads(&self) -> bool {
        self.catalog.leader().is_some_and(|leader| leader == self.own)
    }
}
