use crate::catalog::Later;
use crate::http::{LeafFeed, Leaves};
use crate::leaf::LeafManager;
use crate::model::ServiceName;
use std::sync::Arc;

/// The API hands out the leaves that this node keeps.
pub(in crate::agent) struct LeafDesk(pub Arc<LeafManager>);

impl Leaves for LeafDesk {
    fn watch<'a>(&'a self, service: &'a ServiceName) -> Later<'a, Result<LeafFeed, String>> {
        Box::pin(async { self.0.get(service).await.map_err(|error| error.to_string()) })
    }
}
